"""System: what is in memory can be freed, and the process really gets smaller."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect
from tests.studio.browser.conftest import NewVisitor
from tests.studio.browser.serving import RunningStudio, running_studio

from intone.core.types import ModelKind

pytestmark = pytest.mark.browser

IDLE_LIMIT_BYTES = 400_000_000
LEAST_FREED_BYTES = 40_000_000
"""Of the 70 MB and more that the built-in voice adds."""


@pytest.fixture(scope="module")
def fresh(
    tmp_path_factory: pytest.TempPathFactory,
    tiny_checkpoint: Callable[[ModelKind], Path],
    graphs: Path,
) -> Iterator[RunningStudio]:
    """A studio that has done nothing yet."""
    models = f"builtin,{tiny_checkpoint('base')}"
    environ = {"INTONE_MODEL__SERVED": models, "INTONE_MODEL__DEFAULT": "builtin"}
    with running_studio(tmp_path_factory.mktemp("fresh"), environ=environ, cache=graphs) as running:
        yield running


def test_clear_ram_gives_the_memory_back(fresh: RunningStudio, visit: NewVisitor) -> None:
    visitor = visit(fresh.url)
    page = visitor.page
    assert fresh.resident_bytes() < IDLE_LIMIT_BYTES
    page.locator("#speak-text textarea").fill("One sentence, so that a model is in memory.")
    page.locator("#speak-go").click()
    expect(page.locator("#speak-kept")).to_contain_text("Kept as", timeout=40_000)
    before_bytes = fresh.resident_bytes()

    panel = visitor.tab("System")
    expect(panel.locator("#system-models")).to_contain_text(re.compile("in memory|loaded", re.I))
    page.locator("#system-clear").click()

    note = page.locator("#system-clear-note")
    expect(note).to_contain_text("builtin")
    expect(note).to_contain_text(re.compile(r"\d+ MB"))
    expect(page.locator("#intone-head")).to_contain_text("No model in memory")
    deadline_s = time.monotonic() + 3
    while before_bytes - fresh.resident_bytes() < LEAST_FREED_BYTES:
        assert time.monotonic() < deadline_s, f"{before_bytes} -> {fresh.resident_bytes()}"
        time.sleep(0.1)


def test_another_model_takes_the_place_of_the_first(
    fresh: RunningStudio, visit: NewVisitor
) -> None:
    visitor = visit(fresh.url)
    page = visitor.page
    page.locator("#speak-text textarea").fill("A sentence that stays where it is.")
    page.locator("#speak-go").click()
    expect(page.locator("#speak-kept")).to_contain_text("Kept as", timeout=40_000)

    panel = visitor.tab("System")
    row = panel.locator("#system-models tr, #system-models article").filter(has_text="tiny-base")
    row.get_by_role("button", name=re.compile("load", re.I)).click()

    expect(page.locator("#system-model-note")).to_contain_text("tiny-base", timeout=40_000)
    head = page.locator("#intone-head")
    expect(head).to_contain_text("tiny-base")
    expect(head).not_to_contain_text("builtin")
    visitor.tab("Speak")
    expect(page.locator("#speak-text textarea")).to_have_value("A sentence that stays where it is.")
