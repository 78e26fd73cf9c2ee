"""The page from its parts, and its place in the app that answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from html import escape

import gradio as gr
from fastapi import APIRouter, FastAPI
from fastapi.responses import RedirectResponse
from starlette.routing import Mount

from intone.studio.clone.page import build as clone
from intone.studio.design.page import build as design
from intone.studio.desk import ANYBODY, Desk
from intone.studio.long_text.page import build as long_text
from intone.studio.look import head, style_sheet, theme
from intone.studio.parts.sounds import SoundShelf, sound_routes
from intone.studio.script.page import build as script
from intone.studio.shell import Shell
from intone.studio.speak.page import build as speak
from intone.studio.system.memory import memory_line
from intone.studio.system.page import build as system
from intone.studio.takes.page import build as takes
from intone.studio.training.page import build as training
from intone.studio.voices.page import build as voices

ROOT = "/studio"
"""Where it is mounted, everywhere."""

_CLEAN_EVERY_S, _KEPT_S = 3_600, 86_400
"""Uploads and what was made to be downloaded are Gradio's for a day, and then gone."""

_HEAD_EVERY_S = 5.0

_LEAVE = (
    '<form method="post" action="{root}/logout"><button class="intone-button" type="submit">'
    "Log out {key}</button></form>"
)
"""Of who came in with a key."""

BuildTab = Callable[[Shell, gr.Tab], None]


def mount_studio(app: FastAPI, desk: Desk) -> Callable[[], None]:
    """Puts the studio under `ROOT`; nothing is loaded. The routes of the app itself come first.

    Returns:
        What lets go of the open pages, each of which holds a request for as long as it is open: to
        be called before the server ends. They come back by themselves.
    """
    page, routes = build_page(desk)
    app.include_router(routes, prefix=ROOT)
    app.add_api_route("/", _to_studio, include_in_schema=False)
    gr.mount_gradio_app(
        app,
        page,
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
    mounted = app.routes[-1]
    assert isinstance(mounted, Mount)
    assert isinstance(mounted.app, gr.routes.App)
    return mounted.app.stop_event.set


def build_page(desk: Desk) -> tuple[gr.Blocks, APIRouter]:
    """Returns the page with all its tabs, and the routes that they brought."""
    sounds = SoundShelf(ROOT)
    page = gr.Blocks(
        title="Intone studio",
        analytics_enabled=False,
        delete_cache=(_CLEAN_EVERY_S, _KEPT_S),
    )
    routes = sound_routes(sounds, desk.who)
    shell = Shell(desk=desk, sounds=sounds, page=page, routes=routes, root=ROOT)
    with page:
        _add_head(shell)
        with gr.Tabs(elem_id="intone-tabs"):
            for title, build in _tabs(desk):
                name = title.lower().replace(" ", "-")
                with gr.Tab(title, id=name, elem_id=f"tab-{name}") as tab:
                    build(shell, tab)
    return page, routes


def _tabs(desk: Desk) -> Iterator[tuple[str, BuildTab]]:
    """Yields the tabs in their order; what the desk does not have has none."""
    yield "Speak", speak
    yield "Design", design
    yield "Clone", clone
    yield "Script", script
    yield "Voices", voices
    yield "Long text", long_text
    yield "Takes", takes
    if desk.training is not None:
        yield "Train", training
    yield "System", system


def _add_head(shell: Shell) -> None:
    def shown(request: gr.Request) -> str:
        return _head_html(shell.desk, shell.key_of(request))

    line = gr.HTML(_head_html(shell.desk, ANYBODY), elem_id="intone-head", js_on_load=None)
    shell.page.load(shown, None, line, show_progress="hidden")
    timer = gr.Timer(_HEAD_EVERY_S)
    timer.tick(shown, None, line, show_progress="hidden")


def _head_html(desk: Desk, key_id: str) -> str:
    leave = "" if key_id == ANYBODY else _LEAVE.format(root=ROOT, key=escape(key_id))
    return (
        '<header class="intone-head"><h1>Intone</h1>'
        f'<span class="memory" role="status">{escape(memory_line(desk))}</span>{leave}</header>'
    )


async def _to_studio() -> RedirectResponse:
    return RedirectResponse(ROOT)
