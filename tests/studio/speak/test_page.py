"""The Speak tab's handlers, without a server: what the page shows of a performance."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import gradio as gr
import pytest
from fastapi import APIRouter, FastAPI
from starlette.requests import Request
from tests.studio.speak.speaking_desk import BUILTIN, KEY, LARGE, make_desk, models_of

from intone.studio.desk import Desk
from intone.studio.parts.sounds import SoundShelf
from intone.studio.shell import Shell
from intone.studio.sound.performances import Performances
from intone.studio.speak.choices import instruct_info, voice_groups
from intone.studio.speak.fields import SpeakFields, add_fields
from intone.studio.speak.page import SpeakTab, build
from intone.studio.speak.planning import SpeakPlanner

ID = "0123456789abcdef"
Made = TypeVar("Made")


def shell_of(desk: Desk, page: gr.Blocks) -> Shell:
    sounds = SoundShelf("/studio")
    return Shell(desk=desk, sounds=sounds, page=page, routes=APIRouter(), root="/studio")


def request_of(key: str = KEY) -> gr.Request:
    scope = {"type": "http", "headers": [(b"x-key", key.encode())], "method": "POST", "path": "/"}
    return gr.Request(Request(scope))


def built(make: Callable[[], Made]) -> Made:
    """Returns what builds a page: Gradio leaves an event loop behind where none runs."""

    async def on_a_loop() -> Made:
        return make()

    return asyncio.run(on_a_loop())


class Opened:
    """The tab on a page, with its performances at hand."""

    def __init__(self, desk: Desk) -> None:
        with gr.Blocks() as page:
            self.fields: SpeakFields = add_fields(
                page, voice_groups(desk), instruct_info(desk, None)
            )
            self.performances = Performances(desk, SpeakPlanner(desk))
            self.tab = SpeakTab(shell_of(desk, page), self.performances, self.fields)

    async def spoken(self, fields: dict[str, object]) -> dict[Any, Any]:
        """Returns what the page shows in the end."""
        self.performances.start(KEY, ID, fields)
        shown: dict[Any, Any] = {}
        async for updates in self.tab.follow(ID, request_of()):
            shown |= updates
        return shown


@pytest.fixture
def opened(tmp_path: Path) -> Callable[..., Opened]:
    return lambda *here: built(lambda: Opened(make_desk(tmp_path, *here)))


def built_tab(desk: Desk) -> tuple[gr.Blocks, Shell]:
    with gr.Blocks() as page:
        shell = shell_of(desk, page)
        with gr.Tab("Speak") as tab:
            build(shell, tab)
    return page, shell


def test_the_tab_is_built_with_its_routes(tmp_path: Path) -> None:
    page, shell = built(lambda: built_tab(make_desk(tmp_path)))
    app = FastAPI()
    app.include_router(shell.routes)
    assert app.url_path_for("live", live_id=ID) == f"/live/{ID}"
    labelled = [block for block in page.blocks.values() if isinstance(block, gr.Textbox)]
    assert all(block.label for block in labelled if block.visible)


def test_every_field_of_an_order_is_on_the_page(opened: Callable[..., Opened]) -> None:
    assert set(opened().fields.names) == {
        *("text", "voice", "language", "instruct", "speed", "seed", "streams", "chunk"),
        *("temperature", "top_k", "repetition_penalty", "greedy"),
    }


def test_a_take_is_offered_when_it_is_over(opened: Callable[..., Opened]) -> None:
    page = opened()
    shown = asyncio.run(page.spoken({"text": "Hello.", "voice": "ava", "seed": "7"}))
    assert "x real time" in shown[page.fields.figures]
    assert "Kept as" in shown[page.fields.kept]
    assert "/studio/sound/" in shown[page.fields.kept]


def test_a_wrong_field_is_told_beside_it_and_its_fold_opens(opened: Callable[..., Opened]) -> None:
    page = opened()
    shown = asyncio.run(page.spoken({"text": "Hello.", "voice": "ava", "seed": "soon"}))
    assert "Seed is &#x27;soon&#x27;" in shown[page.fields.seed_note]
    assert shown[page.fields.notes["text"]] == ""
    assert shown[page.fields.more]["open"] is True
    assert shown[page.fields.kept] == ""


def test_what_was_left_out_is_said_below_the_button(opened: Callable[..., Opened]) -> None:
    page = opened()
    fields: dict[str, object] = {"text": "Hello.", "voice": "ava", "instruct": "slowly"}
    shown = asyncio.run(page.spoken(fields))
    assert "left out" in shown[page.fields.notes["model"]]


def test_a_sound_that_was_never_asked_for_is_told(
    opened: Callable[..., Opened], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("intone.studio.sound.performances._MAX_WAIT_S", 0.01)
    page = opened()

    async def check() -> None:
        shown: dict[Any, Any] = {}
        async for updates in page.tab.follow(ID, request_of()):
            shown |= updates
        assert "reload the page" in shown[page.fields.notes["model"]]

    asyncio.run(check())


def test_voices_are_renewed_and_the_chosen_one_stays(opened: Callable[..., Opened]) -> None:
    page = opened(BUILTIN, LARGE)
    choice, shelf, instruct = page.tab.refreshed("bella")
    assert "value" not in choice, "a draft that comes meanwhile is not covered"
    assert 'data-id="bella" aria-pressed="true"' in shelf
    assert instruct["interactive"] is False
    assert page.tab.refreshed(None)[0]["value"] == "ryan"
    assert page.tab.chosen("ryan")[2]["interactive"] is True


def test_a_press_on_the_shelf_chooses_or_plays(tmp_path: Path) -> None:
    desk = make_desk(tmp_path)
    page = built(lambda: Opened(desk))

    async def press(do: str, name: str) -> dict[Any, Any]:
        shown: dict[Any, Any] = {}
        event = gr.EventData(None, {"do": do, "id": name})
        async for updates in page.tab.on_shelf(event, request_of()):
            shown |= updates
        return shown

    assert asyncio.run(press("use", "bella"))[page.fields.voice] == "bella"
    assert "/studio/sound/" in asyncio.run(press("sample", "ava"))[page.fields.sample_url]
    asyncio.run(press("sample", "ava"))
    assert models_of(desk).counts["builtin"].takes == 1, "the second time it is there already"
    told = asyncio.run(press("sample", "sohee"))
    assert "pull it" in told[page.fields.voice_note]
    assert told[page.fields.sample_url] == ""
