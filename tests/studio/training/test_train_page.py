"""The tab's presses: what they ask the desk for, what they show, and what a mistake keeps."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import gradio as gr
import pytest
from fastapi import APIRouter
from tests.studio.training.fakes import Checkpoints, FakeProcesses, open_desk, write_clips

from intone.cli.studio_training.desk import TrainingHere
from intone.render.outputs import OutputFolder
from intone.studio.desk import Desk, MachineState, Models
from intone.studio.parts.sounds import SoundShelf
from intone.studio.shell import Shell
from intone.studio.training.fields import ARCHIVE, FOLDER
from intone.studio.training.page import build
from intone.voices.library import VoiceLibrary


class FakeModels:
    """What the tab asks of the models: room."""

    def __init__(self) -> None:
        self.num_freed = 0

    async def free(self) -> tuple[str, ...]:
        self.num_freed += 1
        return ("0.6b-custom",)

    def machine(self) -> MachineState:
        return MachineState(
            process_bytes=None,
            available_bytes=10**9,
            total_bytes=None,
            device="cpu",
            dtype="fp32",
            threads=1,
        )


@dataclass(frozen=True, slots=True)
class Tab:
    """A page with the tab alone."""

    page: gr.Blocks
    models: FakeModels
    processes: FakeProcesses

    def component(self, elem_id: str) -> Any:
        blocks = self.page.blocks.values()
        return next(each for each in blocks if each.elem_id == elem_id)

    def handler(self, name: str) -> Callable[..., Any]:
        """Returns what a press or a look calls."""
        return next(
            cast(Callable[..., Any], each.fn)
            for each in self.page.fns.values()
            if each.fn is not None and each.fn.__name__ == name
        )

    def note(self, shown: dict[Any, Any], elem_id: str) -> str:
        return str(shown[self.component(elem_id)])


def tab_of(home: Path, training: TrainingHere, processes: FakeProcesses) -> Tab:
    """Builds the page in a loop: outside of one Gradio makes its own, and never closes it."""

    async def built() -> Tab:
        return _tab_of(home, training, processes)

    return asyncio.run(built())


def _tab_of(home: Path, training: TrainingHere, processes: FakeProcesses) -> Tab:
    models = FakeModels()
    desk = Desk(
        models=cast(Models, models),
        library=VoiceLibrary(home),
        takes=lambda key: OutputFolder(home),
        who=lambda connection: "anonymous",
        training=training,
    )
    with gr.Blocks(analytics_enabled=False) as page:
        shell = Shell(
            desk=desk, sounds=SoundShelf(""), page=page, routes=APIRouter(), root="/studio"
        )
        with gr.Tabs(), gr.Tab("Train") as tab:
            build(shell, tab)
    return Tab(page, models, processes)


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: Checkpoints) -> Tab:
    home, processes = tmp_path_factory.mktemp("page"), FakeProcesses()
    desk = open_desk(home, {"tiny-base": tiny_checkpoint("base")}, processes)
    return tab_of(home, desk, processes)


@pytest.fixture(scope="module")
def checked(tab: Tab, tmp_path_factory: pytest.TempPathFactory) -> str:
    clips = write_clips(tmp_path_factory.mktemp("clips"))
    shown = tab.handler("check")(FOLDER, str(clips), None, "nora", "auto")
    return str(shown[tab.component("train-dataset")])


def test_recordings_that_are_not_there_are_told_beside_their_field(tab: Tab) -> None:
    shown = tab.handler("check")(FOLDER, "/no/such/place", None, "nora", "auto")
    assert "There is no /no/such/place" in tab.note(shown, "train-source-note")
    assert tab.component("train-folder") not in shown  # what was typed stays
    shown = tab.handler("check")(ARCHIVE, "", None, "nora", "auto")
    assert "choose a .zip" in tab.note(shown, "train-source-note").lower()
    shown = tab.handler("check")(FOLDER, "/", None, "Nöra", "auto")
    assert "speaker" in tab.note(shown, "train-speaker-note").lower()


def test_nothing_is_trained_without_the_owners_word(tab: Tab, checked: str) -> None:
    start = tab.handler("start")
    shown = asyncio.run(start("x", checked, "tiny-base", "voice", 2, 1.0, False))
    assert "belongs to its owner" in tab.note(shown, "train-consent-note")
    assert tab.models.num_freed == 0


def test_an_emptied_number_is_refused_beside_it(tab: Tab, checked: str) -> None:
    start = tab.handler("start")
    shown = asyncio.run(start("x", checked, "tiny-base", "voice", None, 1.0, True))
    assert "Epochs is 0" in tab.note(shown, "train-epochs-note")
    shown = asyncio.run(start("x", None, "tiny-base", "voice", 2, 1.0, True))
    assert "check some recordings first" in tab.note(shown, "train-start-note").lower()


def test_a_look_shows_the_verdict_the_plan_and_then_only_what_has_changed(
    tab: Tab, checked: str
) -> None:
    look, request = tab.handler("look"), gr.Request()
    request.request = cast(Any, object())
    chosen = (checked, None, None, None, None, None)
    shown = look(*chosen, "voice", 12, 1.0, "", (), {}, request)
    assert "12 of 13 clips" in tab.note(shown, "train-verdict")
    assert "24 steps" in tab.note(shown, "train-plan")
    seen = shown.popitem()[1]  # what the page shows by now comes last
    again = look(*chosen, "voice", 12, 1.0, "", (), seen, request)
    assert list(again.values()) == [seen]


def test_a_run_begins_in_a_memory_that_was_freed_and_is_chosen(tab: Tab, checked: str) -> None:
    start = tab.handler("start")
    shown = asyncio.run(start(" ", checked, "tiny-base", "voice", 2, 1.0, True))
    run_id = shown[tab.component("train-run")]
    assert run_id == f"{checked}-1"
    assert "0.6b-custom left the memory" in tab.note(shown, "train-start-note")
    assert shown[tab.component("train-consent")] is False
    assert tab.models.num_freed == 1
    stopped = tab.handler("stop")(run_id)
    assert tab.processes.interrupted
    assert tab.note(stopped, "train-run-note") == ""
    refused = tab.handler("remove_run")(run_id)
    assert "at work" in tab.note(refused, "train-run-note")
    assert "No checkpoint" in tab.note(
        asyncio.run(tab.handler("listen")(run_id, "Hello", None, None, 1)), "train-listen-note"
    )


def test_where_training_lacks_something_the_tab_says_what(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("intone.cli.studio_training.desk._NEEDED", ("no_such_package",))
    lacking = tab_of(tmp_path, open_desk(tmp_path, {}), FakeProcesses())
    told = lacking.component("train-missing").value
    assert "pip install &#x27;intone[train]&#x27;" in told
    assert not any(block.elem_id == "train-start" for block in lacking.page.blocks.values())


def test_every_control_has_a_label(tab: Tab) -> None:
    controls = (gr.Textbox, gr.Dropdown, gr.Radio, gr.Number, gr.Checkbox, gr.File)
    found = [each for each in tab.page.blocks.values() if isinstance(each, controls)]
    assert len(found) >= 15
    assert all(each.label and each.show_label for each in found)


def test_one_button_is_the_tabs_primary(tab: Tab) -> None:
    buttons = [each for each in tab.page.blocks.values() if isinstance(each, gr.Button)]
    assert [each.value for each in buttons if each.variant == "primary"] == ["Start training"]
