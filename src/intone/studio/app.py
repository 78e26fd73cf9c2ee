"""The page from its parts, and its place in the app that answers."""

from __future__ import annotations

from collections.abc import Callable

import gradio as gr
from fastapi import APIRouter, FastAPI

from intone.studio.desk import Desk
from intone.studio.look import head, style_sheet, theme
from intone.studio.parts.sounds import SoundShelf, sound_routes
from intone.studio.shell import Shell

ROOT = "/studio"
"""Where it is mounted, everywhere."""

_CLEAN_EVERY_S, _KEPT_S = 3_600, 86_400
"""Uploads and what was made to be downloaded are Gradio's for a day, and then gone."""

_HEAD_EVERY_S = 5.0

BuildTab = Callable[[Shell, gr.Tab], None]


def mount_studio(app: FastAPI, desk: Desk) -> None:
    """Puts the studio under `ROOT`; nothing is loaded. The routes of the app itself come first."""
    sounds = SoundShelf(ROOT)
    app.include_router(_routes(desk, sounds), prefix=ROOT)
    gr.mount_gradio_app(
        app,
        build_page(desk, sounds),
        path=ROOT,
        theme=theme(),
        css=style_sheet(),
        head=head(),
        footer_links=[],
        run_history=False,
        show_error=False,  # what a user can do something about stands beside the field
        max_file_size=desk.limit_upload_bytes,
        ssr_mode=False,
    )


def build_page(desk: Desk, sounds: SoundShelf) -> gr.Blocks:
    """Returns the page with all its tabs."""
    page = gr.Blocks(
        title="Intone studio",
        analytics_enabled=False,
        delete_cache=(_CLEAN_EVERY_S, _KEPT_S),
    )
    with page:
        shell = Shell(desk=desk, sounds=sounds, page=page, root=ROOT)
        _add_head(shell)
        with gr.Tabs(elem_id="intone-tabs"):
            for title, build in _tabs(desk):
                name = title.lower().replace(" ", "-")
                with gr.Tab(title, id=name, elem_id=f"tab-{name}") as tab:
                    build(shell, tab)
    return page


def _tabs(desk: Desk) -> list[tuple[str, BuildTab]]:
    return []


def _routes(desk: Desk, sounds: SoundShelf) -> APIRouter:
    return sound_routes(sounds, desk.who)


def _add_head(shell: Shell) -> None:
    line = gr.HTML(_head_html(""), elem_id="intone-head", js_on_load=None)
    gr.Timer(_HEAD_EVERY_S)


def _head_html(memory: str) -> str:
    return (
        f'<header class="intone-head"><h1>Intone</h1><span class="memory">{memory}</span></header>'
    )
