"""The tab's presses, without a browser: a job is sent, listed, deleted; errors find their field."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from fastapi import APIRouter
from starlette.requests import Request
from tests.studio.voices.people_desk import fakes, make_desk

from intone.core.errors import CapacityError, InvalidSettingError
from intone.studio.desk import Desk, JobView, JobWish
from intone.studio.long_text.page import LongTextTab, add_fields
from intone.studio.parts.sounds import SoundShelf
from intone.studio.shell import Shell

REQUEST = gr.Request(request=Request({"type": "http", "headers": []}))


@dataclass
class FakeJobs:
    """Implements `JobDesk` in memory."""

    folder: Path
    views: list[JobView] = field(default_factory=list)
    sources: list[bytes] = field(default_factory=list)
    is_full: bool = False

    def keep_days(self) -> float:
        return 7.0

    async def submit(self, key_id: str, wish: JobWish, source: bytes) -> JobView:
        if self.is_full:
            raise CapacityError("jobs hold 10 GB; delete finished ones.")
        view = JobView(
            id=f"job{len(self.views)}", wish=wish, state="queued", num_done=0, num_pieces=4,
            audio_s=0.0, created_at=0.0, started_at=None, ended_at=None, problem=None,
        )  # fmt: skip
        self.views.insert(0, view)
        self.sources.append(source)
        return view

    async def jobs(self, key_id: str) -> tuple[JobView, ...]:
        return tuple(self.views)

    async def get(self, key_id: str, job_id: str) -> JobView:
        found = [view for view in self.views if view.id == job_id]
        if not found:
            raise InvalidSettingError(f"no job {job_id!r}.")
        return found[0]

    async def files(self, key_id: str, job_id: str) -> dict[str, Path]:
        return {name: self.folder / name for name in ("book.mp3", "book.srt")}

    async def delete(self, key_id: str, job_id: str) -> None:
        self.views.remove(await self.get(key_id, job_id))


@dataclass
class Page:
    """The tab and what it shows."""

    tab: LongTextTab
    jobs: FakeJobs
    desk: Desk

    def start(self, text: str = "# Rain\n\nIt rained.", **given: object) -> dict[str, Any]:
        values: dict[str, Any] = {
            "file": None, "text": text, "voice": "ava", "language": "auto", "format": "mp3",
            "files": "One file per chapter", "loudness": "-16", "speed": 1.25,
        }  # fmt: skip
        return self.shown(self.tab.start(**(values | given), request=REQUEST))

    def listed(self) -> dict[str, Any]:
        return self.shown(self.tab.listed("", REQUEST))

    def press(self, do: str, job_id: str, removing: str = "") -> dict[str, Any]:
        event = gr.EventData(None, {"do": do, "id": job_id})
        return self.shown(self.tab.pressed(removing, event, REQUEST))

    def shown(self, updates: Any) -> dict[str, Any]:
        """Returns what is shown, by the ids of the elements."""
        found = asyncio.run(updates)
        names = {"Timer": "timer", "State": "removing"}
        return {one.elem_id or names[type(one).__name__]: value for one, value in found.items()}


async def built(folder: Path) -> Page:
    """Builds the tab in a loop: outside of one Gradio makes its own, and never closes it."""
    jobs = FakeJobs(folder)
    desk = replace(make_desk(folder, "custom"), jobs=jobs)
    with gr.Blocks(analytics_enabled=False) as blocks:
        shell = Shell(
            desk=desk, sounds=SoundShelf(""), page=blocks, routes=APIRouter(), root="/studio"
        )
        tab = LongTextTab(shell, jobs, add_fields(shell, jobs))
        with gr.Tab("Long text") as here:
            tab.connect(here)
    return Page(tab, jobs, desk)


@pytest.fixture(scope="module")
def one_page(tmp_path_factory: pytest.TempPathFactory) -> Page:
    return asyncio.run(built(tmp_path_factory.mktemp("page")))


@pytest.fixture
def page(one_page: Page) -> Page:
    """The tab, without jobs."""
    one_page.jobs.views, one_page.jobs.sources, one_page.jobs.is_full = [], [], False
    return one_page


def test_start_sends_what_the_fields_say_and_shows_the_job(page: Page) -> None:
    shown = page.start()

    assert page.jobs.views[0].wish == JobWish(
        kind="book", source="rain.md", title="Rain", model="fake-custom", voice="ava",
        speed=1.25, format="mp3", one_file=False, loudness_lufs=-16.0,
    )  # fmt: skip
    assert page.jobs.sources == [b"# Rain\n\nIt rained."]
    assert "It has begun" in shown["long-start-note"]
    assert "waiting for its turn" in shown["long-jobs"]
    assert shown["timer"].active


def test_the_timer_looks_only_while_a_job_runs(page: Page) -> None:
    assert not page.listed()["timer"].active
    page.start()
    page.jobs.views[0] = replace(page.jobs.views[0], state="running")
    assert page.listed()["timer"].active
    page.jobs.views[0] = replace(page.jobs.views[0], state="done")

    shown = page.listed()

    assert not shown["timer"].active
    assert 'download="book.srt"' in shown["long-jobs"]


def test_errors_stand_beside_the_field_that_caused_them(page: Page, tmp_path: Path) -> None:
    (tmp_path / "broken.epub").write_bytes(b"no")

    assert "damaged" in page.start(file=str(tmp_path / "broken.epub"))["long-text-note"]
    assert "paste some words" in page.start("")["long-text-note"]
    assert "nobody" in page.start(voice="nobody at all")["long-voice-note"]
    page.jobs.is_full = True
    assert "delete finished ones" in page.start()["long-start-note"]
    assert not page.jobs.views


def test_a_text_in_a_language_that_the_voice_does_not_speak_is_told(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    speaker = fakes(page.desk).speakers["fake-custom"]
    monkeypatch.setattr(speaker, "can", replace(speaker.can, languages=("auto", "english")))

    shown = page.start("Es war spät, und der Fluss ist in der Nacht nicht zu sehen.")

    assert "German" in shown["long-voice-note"]
    assert len(page.jobs.views) == 1


def test_the_outline_says_when_a_pasted_text_is_not_what_is_read(
    page: Page, tmp_path: Path
) -> None:
    (tmp_path / "Rain.txt").write_text("It rained.", encoding="utf-8")
    path = str(tmp_path / "Rain.txt")

    both = page.shown(page.tab.read(path, "Something else.", "auto", 1.0))
    none = page.shown(page.tab.read(None, None, None, None))

    assert "Rain" in both["long-outline"]
    assert "take it away" in both["long-text-note"]
    assert none["long-outline"] == ""


def test_only_a_second_press_deletes(page: Page) -> None:
    page.start()

    asked = page.press("ask-remove", "job0")
    assert asked["removing"] == "job0"
    assert "Yes, stop and delete" in asked["long-jobs"]
    page.press("remove", "job0", removing="another")
    assert len(page.jobs.views) == 1
    gone = page.press("remove", "job0", removing="job0")
    assert not page.jobs.views
    assert "press Start reading" in gone["long-jobs"]
    again = page.press("remove", "job0", removing="job0")
    assert "No job" in again["long-jobs"]
