"""The page opens, every tab of it by keyboard, and nothing goes wrong meanwhile."""

from __future__ import annotations

import base64
import io
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from playwright.sync_api import expect
from tests.studio.browser.conftest import PHONE, NewVisitor
from tests.studio.browser.serving import RunningStudio, running_studio
from tests.studio.browser.visiting import TABS

pytestmark = pytest.mark.browser

MAX_END_S = 8.0
"""What runs has 2 s to end, and 2 s more to be cut."""


def test_the_page_opens_and_says_how_long_it_took(
    studio: RunningStudio, visit: NewVisitor, record_property: object
) -> None:
    began_s = time.monotonic()
    visitor = visit()
    took_s = time.monotonic() - began_s

    assert visitor.page.title() == "Intone studio"
    print(f"process to answer {studio.start_s:.2f} s, page {took_s:.2f} s")


def test_every_tab_is_opened_by_keyboard(visit: NewVisitor) -> None:
    visitor = visit()
    page = visitor.page

    for title in TABS:
        tab = page.get_by_role("tab", name=title, exact=True)
        tab.focus()
        page.keyboard.press("Enter")
        expect(tab).to_have_attribute("aria-selected", "true")
        expect(visitor.panel(title)).to_be_visible()


def test_a_sound_that_is_gone_does_not_keep_those_behind_it(visit: NewVisitor) -> None:
    visitor = visit()
    visitor.expected.append("404")

    sound = io.BytesIO()
    soundfile.write(sound, np.zeros(24_000, np.float32), 24_000, format="WAV")
    whole = f"data:audio/wav;base64,{base64.b64encode(sound.getvalue()).decode()}"

    visitor.page.evaluate(
        """(whole) => {
          window.intone.play("/studio/sound/gone.wav", "gone");
          window.intone.queue(whole, "whole");
        }""",
        whole,
    )

    expect(visitor.page.locator("#intone-player .title")).to_have_text("whole")
    visitor.page.wait_for_function("(whole) => window.intone.playing() === whole", arg=whole)


def test_ctrl_c_ends_it_without_a_traceback_while_a_page_is_open(
    visit: NewVisitor, tmp_path: Path, graphs: Path
) -> None:
    visitor = visit("")
    visitor.expected.append(".")  # a page whose server goes away has much to tell
    with running_studio(tmp_path / "home", cache=graphs) as running:
        visitor.open(running.url)
        began_s = time.monotonic()
    took_s = time.monotonic() - began_s

    assert took_s < MAX_END_S
    assert "Exception" not in running.log.read_text()


def test_on_a_phone_the_player_has_two_lines_and_the_menu_a_place_for_a_thumb(
    visit: NewVisitor,
) -> None:
    page = visit(viewport=PHONE).page
    page.get_by_role("button", name="Play a sample of Bella", exact=True).click()
    expect(page.locator("#intone-player")).to_be_visible(timeout=60_000)

    player = page.locator("#intone-player audio").bounding_box()
    menu = page.get_by_role("button", name="More tabs").bounding_box()

    assert player is not None
    assert player["width"] > 0.8 * PHONE["width"]
    assert menu is not None
    assert min(menu["width"], menu["height"]) >= 40
