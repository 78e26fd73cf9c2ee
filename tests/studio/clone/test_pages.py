"""The tabs about people: built once, every control has its name, every refusal its field."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
import soundfile
from fastapi import APIRouter
from tests.studio.voices.people_desk import kept_voice, make_desk
from tests.train.speech import speech

from intone.studio.clone.fields import CloneFields
from intone.studio.clone.fields import add_fields as clone_fields
from intone.studio.clone.page import _CloneTab
from intone.studio.design.drawings import Drawings
from intone.studio.design.fields import DesignFields
from intone.studio.design.fields import add_fields as design_fields
from intone.studio.design.page import _DesignTab
from intone.studio.desk import Desk
from intone.studio.parts.sounds import SoundShelf
from intone.studio.shell import Shell
from intone.studio.voices.fields import VoicesFields
from intone.studio.voices.fields import add_fields as voices_fields
from intone.studio.voices.page import _VoicesTab

REQUEST = gr.Request()
REQUEST.request = object()  # type: ignore[assignment]  # `who` of the desk does not look


class People:
    """The three tabs on a page of their own."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        with gr.Blocks() as page:
            shell = Shell(desk=desk, sounds=SoundShelf(""), page=page, routes=APIRouter(), root="")
            self.fields = clone_fields(page, desk.limit_upload_bytes)
            self.clone = _CloneTab(shell, self.fields)
            self.design_fields: DesignFields = design_fields(page)
            self.design = _DesignTab(shell, self.design_fields, Drawings(desk))
            self.voices_fields: VoicesFields = voices_fields(desk.limit_upload_bytes)
            self.voices = _VoicesTab(shell, self.voices_fields)
        self.page = page


def built(desk: Desk) -> People:
    """Returns the page; Gradio makes an event loop that nobody closes where none runs."""

    async def build() -> People:
        return People(desk)

    return asyncio.run(build())


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> People:
    return built(make_desk(tmp_path_factory.mktemp("people")))


@pytest.fixture
def people(page: People) -> People:
    """The page, nobody in its library."""
    for name in page.desk.library.names():
        page.desk.library.remove(name)
    return page


def values(fields: CloneFields, **changed: Any) -> dict[Any, Any]:
    """Returns what the fields of a page that was just opened hold."""
    given = {one: one.value for one in fields.inputs}
    return given | {getattr(fields, name): value for name, value in changed.items()}


def last(updates: AsyncIterator[dict[Any, Any]]) -> dict[Any, Any]:
    """Returns all that a handler did to the page, the latest of each."""

    async def collect() -> dict[Any, Any]:
        merged: dict[Any, Any] = {}
        async for one in updates:
            merged |= one
        return merged

    return asyncio.run(collect())


def test_every_control_has_a_name_that_can_be_read_out(people: People) -> None:
    kinds = (gr.Textbox, gr.Dropdown, gr.Radio, gr.Checkbox, gr.Slider, gr.Audio, gr.File)
    shown = [one for one in people.page.blocks.values() if isinstance(one, kinds)]
    nameless = [one for one in shown if one.visible is not False and not one.label]
    assert len(shown) > 15
    assert not nameless


def test_an_empty_clone_form_is_refused_field_by_field(people: People) -> None:
    fields = people.fields
    updates = last(people.clone.clone(values(fields), REQUEST))
    assert "no recording yet" in updates[fields.audio_note]
    assert "no name yet" in updates[fields.name_note]
    assert "consent" in updates[fields.consent_note]
    assert updates[fields.note] == ""
    assert not {*fields.inputs} & {*updates}, "what was typed is lost"


def test_a_clone_is_kept_and_compared_from_the_page(people: People, tmp_path: Path) -> None:
    path = tmp_path / "clip.wav"
    soundfile.write(path, speech(4.0), 24_000)
    fields = people.fields
    given = values(fields, audio=str(path), name="nora", consent=True)
    report = asyncio.run(people.clone.judge(given))
    assert "<svg" in report[fields.report]
    updates = last(people.clone.clone(given, REQUEST))
    assert updates[fields.made] == ("nora", str(path))
    assert "The voice nora is kept." in updates[fields.note]

    assert people.desk.library.names() == ("nora",)
    refused = last(people.clone.compare(updates[fields.made], " ", REQUEST))
    assert "write a sentence" in refused[fields.compare_note]


def test_a_bad_recording_leaves_the_form_as_it_is(people: People, tmp_path: Path) -> None:
    path = tmp_path / "words.wav"
    path.write_text("these are words")
    fields = people.fields
    updates = asyncio.run(people.clone.judge(values(fields, audio=str(path))))
    assert "words.wav cannot be decoded" in updates[fields.audio_note].lower()
    assert not {*fields.inputs} - {fields.anyway} & {*updates}


def test_a_design_is_refused_field_by_field_and_begins_when_all_is_there(people: People) -> None:
    fields = people.design_fields
    empty = {one: one.value for one in fields.inputs} | {fields.description: "", fields.seed: "x"}
    updates = asyncio.run(people.design.begin(empty, REQUEST))
    assert "nobody is described" in updates[fields.notes["description"]].lower()
    assert "whole number" in updates[fields.notes["seed"]]
    assert fields.timer not in updates

    full = empty | {fields.description: "A calm voice.", fields.seed: "7", fields.count: 1}
    updates = asyncio.run(people.design.begin(full, REQUEST))
    assert updates[fields.timer].active
    assert isinstance(updates[fields.drawing], int)


def test_without_a_model_that_designs_the_page_says_what_to_pull(tmp_path: Path) -> None:
    people = built(make_desk(tmp_path, "custom"))
    fields = people.design_fields
    updates = people.design.refreshed(None, None, REQUEST)
    assert "under System" in updates[fields.note]
    assert "No voices yet" in updates[fields.cards]


def test_a_voice_is_deleted_at_the_second_press_alone(people: People) -> None:
    people.desk.library.put(kept_voice("nora"))
    fields = people.voices_fields
    first = asyncio.run(people.voices.delete("nora", None, REQUEST))
    assert (people.desk.library.names(), first[fields.asked]) == (("nora",), "nora")
    second = asyncio.run(people.voices.delete("nora", "nora", REQUEST))
    assert people.desk.library.names() == ()
    assert "The voice nora is deleted." in second[fields.note]
    assert second[fields.chosen] is None


def test_a_name_that_is_taken_leaves_the_voice_and_says_why(people: People) -> None:
    for name in ("nora", "bob"):
        people.desk.library.put(kept_voice(name))
    fields = people.voices_fields
    updates = asyncio.run(people.voices.rename("nora", "Bob", REQUEST))
    assert [*updates] == [fields.panel_note]
    assert people.desk.library.names() == ("bob", "nora")
    updates = asyncio.run(people.voices.rename("nora", "Nora", REQUEST))
    assert people.desk.library.names() == ("bob", "Nora")
    assert updates[fields.chosen] == "Nora"
