"""The System tab's handlers, without a server: load, clear, switch, pull."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import gradio as gr
from tests.studio.speak.speaking_desk import BUILTIN, LARGE, make_desk, models_of
from tests.studio.speak.test_page import built, request_of, shell_of

from intone.core.errors import DownloadError
from intone.studio.desk import Desk
from intone.studio.system.page import SystemTab


def opened(desk: Desk) -> SystemTab:
    return built(lambda: built_tab(desk))


def built_tab(desk: Desk) -> SystemTab:
    with gr.Blocks() as page, gr.Tab("System") as tab:
        system = SystemTab(shell_of(desk, page))
        system.connect(tab)
    return system


async def pressed(system: SystemTab, do: str, model: str) -> dict[Any, Any]:
    shown: dict[Any, Any] = {}
    event = gr.EventData(None, {"do": do, "id": model})
    async for updates in system.on_row(event, request_of()):
        shown |= updates
    return shown


def test_opening_shows_sizes_models_memory_and_places(tmp_path: Path) -> None:
    system = opened(make_desk(tmp_path))
    shown = asyncio.run(system.opened(request_of()))
    assert shown[system.size] == "0.6b"
    assert "builtin" in shown[system.table]
    assert "200 MB" in shown[system.bar]
    assert str(tmp_path) in shown[system.about]


def test_loading_says_what_went_for_it_and_memory(tmp_path: Path) -> None:
    desk = make_desk(tmp_path, BUILTIN, LARGE)
    models_of(desk).in_memory = {"builtin": "ready"}
    system = opened(desk)
    shown = asyncio.run(pressed(system, "load", "1.7b-custom"))
    assert "Freed builtin; loaded 1.7b-custom. Memory: 200 MB before" in shown[system.model_note]
    assert "in memory" in shown[system.table]


def test_a_model_that_cannot_be_loaded_is_told(tmp_path: Path) -> None:
    desk = make_desk(tmp_path)
    system = opened(desk)
    shown = asyncio.run(pressed(system, "load", "0.6b-base"))
    assert "is not here" in shown[system.model_note]


def test_clear_ram_frees_what_is_idle_and_shows_both_figures(tmp_path: Path) -> None:
    desk = make_desk(tmp_path)
    models_of(desk).in_memory = {"builtin": "ready"}
    system = opened(desk)
    shown = asyncio.run(system.clear())
    assert "Freed builtin" in shown[system.clear_note]
    assert "200 MB before, 150 MB now" in shown[system.clear_note]
    assert models_of(desk).states() == ()


def test_the_switch_changes_the_size_and_says_what_that_means(tmp_path: Path) -> None:
    desk = make_desk(tmp_path)
    system = opened(desk)
    shown = asyncio.run(system.preferred("1.7b"))
    assert desk.models.preferred_size() == "1.7b"
    assert "None of that size is here yet" in shown[system.size_note]
    assert "choose one" in asyncio.run(system.preferred("7b"))[system.size_note].lower()


def test_a_pull_runs_on_and_the_clock_runs_with_it(tmp_path: Path) -> None:
    async def check() -> None:
        desk = make_desk(tmp_path)
        models_of(desk).pull_error = DownloadError("cannot pull: there is no space left.")
        gate = models_of(desk).pull_gate = asyncio.Event()
        system = built_tab(desk)
        shown = await pressed(system, "pull", "0.6b-base")
        assert "Pulling 0.6b-base" in shown[system.pulling]
        assert shown[system.timer].active
        gate.set()
        await asyncio.sleep(0.01)
        shown = await system.refreshed()
        assert "no space left" in shown[system.pulling]
        assert not shown[system.timer].active

    asyncio.run(check())


def test_another_name_is_pulled_or_refused_beside_its_field(tmp_path: Path) -> None:
    system = opened(make_desk(tmp_path))
    assert "can be pulled" in asyncio.run(system.pull_other("gpt"))[system.other_note]
    assert "owner/name" in asyncio.run(system.pull_other("owner/name"))[system.pulling]
