"""The Train tab in a real browser: a mistake, a verdict, a run that outlives the page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect
from tests.studio.browser.conftest import NewVisitor
from tests.studio.browser.serving import RunningStudio, running_studio
from tests.studio.training.fakes import write_clips

from intone.core.types import ModelKind

pytestmark = pytest.mark.browser

SOON_MS, LATER_MS = 20_000, 90_000


@pytest.fixture(scope="module")
def studio(
    tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: Callable[[ModelKind], Path]
) -> Iterator[RunningStudio]:
    """A studio with a Base model to begin with."""
    environ = {"INTONE_MODEL__SERVED": f"builtin,{tiny_checkpoint('base')}"}
    home = tmp_path_factory.mktemp("training")
    with running_studio(home, environ=environ) as running:
        yield running


def test_recordings_are_checked_trained_on_and_followed_over_a_reload(
    visit: NewVisitor, tmp_path: Path
) -> None:
    clips = write_clips(tmp_path / "clips")
    visitor = visit()
    panel = visitor.tab("Train")

    panel.get_by_label("Name of the speaker").fill("nora")
    panel.get_by_label("Folder or table").fill(str(tmp_path / "nowhere"))
    panel.get_by_role("button", name="Check recordings").click()
    expect(panel.locator("#train-source-note")).to_contain_text("There is no", timeout=SOON_MS)
    expect(panel.get_by_label("Folder or table")).to_have_value(str(tmp_path / "nowhere"))

    panel.get_by_label("Folder or table").fill(str(clips))
    panel.get_by_role("button", name="Check recordings").click()
    expect(panel.locator("#train-verdict")).to_contain_text("12 of 13 clips", timeout=SOON_MS)

    panel.get_by_role("button", name="Start training").click()
    expect(panel.locator("#train-consent-note")).to_contain_text("owner", timeout=SOON_MS)
    panel.get_by_label("Passes (epochs)").fill("900")
    panel.get_by_label("The owner of this voice agrees").check()
    panel.get_by_role("button", name="Start training").click()
    expect(panel.locator("#train-state")).to_contain_text("at work", timeout=SOON_MS)
    expect(panel.locator("#train-curve svg")).to_be_visible(timeout=LATER_MS)

    visitor.reload()
    panel = visitor.tab("Train")
    expect(panel.locator("#train-state")).to_contain_text("at work", timeout=SOON_MS)
    panel.locator("#train-stop").click()
    expect(panel.locator("#train-state")).to_contain_text("stopped", timeout=LATER_MS)
    expect(panel.locator("#train-checkpoints")).to_contain_text("step", timeout=SOON_MS)
    expect(panel.locator("#train-resume")).to_be_enabled(timeout=SOON_MS)
