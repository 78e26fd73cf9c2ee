"""The tab's presses, without a browser: found, turned, drawn again, stopped, deleted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from typing import Any

import gradio as gr
import pytest
from fastapi import APIRouter
from starlette.requests import Request
from tests.studio.takes.folders import keep_many
from tests.studio.voices.people_desk import KEY, fakes, make_desk

from intone.core.types import SpeechRequest
from intone.render.outputs import OutputFolder
from intone.render.sidecar import ModelRecord
from intone.studio.desk import Desk
from intone.studio.parts.keeping import keep_take, voice_record_of
from intone.studio.parts.sounds import SoundShelf
from intone.studio.shell import Shell
from intone.studio.takes.page import PageState, TakesTab, add_fields

REQUEST = gr.Request(request=Request({"type": "http", "headers": []}))
LIST, PAGES = "takes-list", "takes-pages"


@dataclass
class Page:
    """The tab, and one visitor of it."""

    tab: TakesTab
    desk: Desk
    folders: dict[str, OutputFolder]
    state: PageState
    wanted: tuple[str, str, str, str] = ("", "", "", "")

    @property
    def folder(self) -> Path:
        return self.desk.takes(KEY).directory

    def found(self, **wanted: str) -> dict[str, Any]:
        names = ("mode", "since", "voice", "words")
        self.wanted = tuple(wanted.get(name, "") for name in names)  # type: ignore[assignment]
        return self.shown(asyncio.run(self.tab.found(self.state, *self.wanted, REQUEST)))

    def turned(self, number: str) -> dict[str, Any]:
        event = gr.EventData(None, {"do": "page", "id": number})
        return self.shown(asyncio.run(self.tab.turned(self.state, *self.wanted, event, REQUEST)))

    def press(self, do: str, stem: str) -> list[str]:
        """Returns the lists that a press shows, one after the other."""

        async def all_of() -> list[str]:
            return [self.shown(one)[LIST] async for one in self.pressed(do, stem)]

        return asyncio.run(all_of())

    def pressed(self, do: str, stem: str) -> AsyncIterator[dict[Any, Any]]:
        event = gr.EventData(None, {"do": do, "id": stem})
        return self.tab.pressed(self.state, *self.wanted, event, REQUEST)

    def keep(self) -> str:
        """Keeps a take that the fake model draws, and returns its stem."""
        request = SpeechRequest(text="Hello there.", voice="ava", seed=5)
        model = fakes(self.desk).speakers["fake-custom"]
        audio = model.synthesize(request)
        kept = keep_take(
            OutputFolder(self.folder),
            mode="studio-speak",
            text=request.text,
            request=request,
            audio=audio,
            is_streamed=False,
            voice=voice_record_of("ava", self.desk.library, model.can),
            model=self.desk.models.record("fake-custom"),
        )
        return kept.record.stem

    def shown(self, updates: dict[Any, Any]) -> dict[str, Any]:
        return {one.elem_id: value for one, value in updates.items()}


async def built(folder: Path) -> Page:
    """Builds the tab in a loop: outside of one Gradio makes its own, and never closes it."""
    folders: dict[str, OutputFolder] = {}
    desk = replace(make_desk(folder, "custom"), takes=folders.__getitem__)
    with gr.Blocks(analytics_enabled=False) as blocks:
        shell = Shell(
            desk=desk, sounds=SoundShelf(""), page=blocks, routes=APIRouter(), root="/studio"
        )
        with gr.Tab("Takes") as here:
            tab = TakesTab(shell, add_fields())
            tab.connect(here)
    return Page(tab, desk, folders, PageState())


@pytest.fixture(scope="module")
def one_page(tmp_path_factory: pytest.TempPathFactory) -> Page:
    return asyncio.run(built(tmp_path_factory.mktemp("page")))


@pytest.fixture
def page(one_page: Page, tmp_path: Path) -> Page:
    """The tab as a new visitor finds it, over an empty folder."""
    one_page.folders[KEY] = OutputFolder(tmp_path / "takes")
    one_page.state, one_page.wanted = PageState(), ("", "", "", "")
    speaker = fakes(one_page.desk).speakers["fake-custom"]
    speaker.gate, speaker.is_stopped = lambda: None, False  # type: ignore[method-assign]
    return one_page


def test_pages_are_turned_and_a_new_search_begins_at_the_first(page: Page) -> None:
    keep_many(page.folder, 45)

    assert "1 to 20 of 45" in page.found()[PAGES]
    assert "41 to 45 of 45" in page.turned("3")[PAGES]
    assert "1 to 20 of 45" in page.turned("nonsense")[PAGES]
    page.turned("3")
    shown = page.found(words="44. take")
    assert "1 to 1 of 1" in shown[PAGES]
    assert "Take 44." in shown[LIST]


def test_drawn_again_says_that_the_samples_are_equal(page: Page) -> None:
    stem = page.keep()

    during, after = page.press("redo", stem)

    assert "Drawing it again" in during
    assert 'data-do="stop"' in during
    assert "The same take, sample for sample" in after
    assert after.count('<li class="take"') == 2
    assert page.state.running is None


def test_another_model_is_asked_about_before_it_draws(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    stem = page.keep()
    now = page.desk.models.record("fake-custom")
    models = fakes(page.desk)
    monkeypatch.setattr(models, "record", lambda model: replace(now, fingerprint="e" * 64))

    *_, asked = page.press("redo", stem)
    assert "This would not be the same take: the model was" in asked
    assert 'data-do="redo-anyway"' in asked
    assert len(list(page.folder.glob("*.wav"))) == 1
    *_, drawn = page.press("redo-anyway", stem)
    assert "Since then the model was" in drawn
    assert len(list(page.folder.glob("*.wav"))) == 2


def test_a_drawing_can_be_stopped_and_keeps_nothing(page: Page) -> None:
    stem, model = page.keep(), fakes(page.desk).speakers["fake-custom"]
    begun, stopped = Event(), Event()

    def gate() -> None:
        begun.set()
        stopped.wait(5)

    model.gate = gate  # type: ignore[method-assign]

    async def run() -> str:
        drawing = asyncio.ensure_future(_all(page.pressed("redo", stem)))
        await asyncio.to_thread(begun.wait, 5)
        refused = await _all(page.pressed("redo", stem))
        assert "being drawn again already" in page.shown(refused[-1])[LIST]
        await _all(page.pressed("stop", stem))
        stopped.set()
        return str(page.shown((await drawing)[-1])[LIST])

    assert "Stopped; nothing was kept." in asyncio.run(run())
    assert len(list(page.folder.glob("*.wav"))) == 1


def test_two_presses_at_once_draw_one_take(page: Page) -> None:
    stem = page.keep()

    async def run() -> list[str]:
        both = await asyncio.gather(*(_all(page.pressed("redo", stem)) for _ in range(2)))
        return [str(page.shown(one[-1])[LIST]) for one in both]

    assert any("being drawn again already" in shown for shown in asyncio.run(run()))
    assert len(list(page.folder.glob("*.wav"))) == 2
    assert page.state.rows.redoing == ""


def test_a_take_of_a_trained_model_is_drawn_again_by_it(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = fakes(page.desk)
    record, asked = models.record, list[str]()

    def lasting(model: str) -> ModelRecord:
        asked.append(model)
        return replace(record(model), name=f"/somewhere/models/{model}")

    monkeypatch.setattr(models, "record", lasting)
    stem = page.keep()

    *_, drawn = page.press("redo", stem)

    assert "The same take, sample for sample" in drawn
    assert set(asked) == {"fake-custom"}


def test_folders_beside_takes_are_not_told_of(page: Page) -> None:
    page.keep()
    (page.folder / "voice-samples").mkdir()

    assert "not shown" not in page.found()[PAGES]


def test_what_is_gone_or_damaged_is_told_in_its_row(page: Page) -> None:
    stem = page.keep()
    record = page.folder / f"{stem}.json"
    record.write_text("{", "utf-8")

    *_, shown = page.press("redo", stem)

    assert "is not JSON" in shown


def test_only_a_second_press_deletes(page: Page) -> None:
    stem = page.keep()

    (asked,) = page.press("ask-remove", stem)
    assert "gone for good" in asked
    (kept,) = page.press("back", stem)
    assert "gone for good" not in kept
    (again,) = page.press("remove", stem)
    assert "gone for good" in again, "not asked about before: it asks"
    (gone,) = page.press("remove", stem)
    assert "Nothing is saved yet" in gone
    assert not list(page.folder.iterdir())


def test_a_folder_that_cannot_be_read_is_told(page: Page) -> None:
    page.folder.write_bytes(b"")

    assert "intone-note problem" in page.found()[LIST]


async def _all(shown: AsyncIterator[dict[Any, Any]]) -> list[dict[Any, Any]]:
    return [one async for one in shown]
