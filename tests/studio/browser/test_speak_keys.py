"""Speak, in small: its keys, and what is heard where two sounds would meet."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect
from tests.studio.browser.conftest import NewVisitor

pytestmark = pytest.mark.browser

TEXT = "The ferry leaves at ten past eight, and it is never late."
SOUND_S = 40.0


def test_control_enter_speaks_and_escape_stops(visit: NewVisitor) -> None:
    visitor = visit()
    page = visitor.page
    page.locator("#speak-text textarea").fill(" ".join([TEXT] * 8))
    page.keyboard.press("Control+Enter")
    visitor.hear(timeout_s=SOUND_S)

    page.keyboard.press("Escape")

    expect(page.locator("#speak-figures")).to_contain_text("Stopped", timeout=10_000)
    assert page.evaluate("window.intone.live.isSounding") is False


def test_a_sample_played_meanwhile_is_heard_alone_and_the_take_is_kept(visit: NewVisitor) -> None:
    visitor = visit()
    page = visitor.page
    page.get_by_role("button", name="Play a sample of Bella", exact=True).click()
    page.wait_for_function("window.intone.playing()", timeout=SOUND_S * 1_000)
    page.evaluate("window.intone.stop()")
    page.locator("#speak-text textarea").fill(" ".join([TEXT] * 2))
    page.locator("#speak-go").click()
    page.wait_for_function("window.intone.live.marks.playedS > 0", timeout=SOUND_S * 1_000)

    page.get_by_role("button", name="Play a sample of Bella", exact=True).click()
    page.wait_for_function("window.intone.playing()", timeout=SOUND_S * 1_000)
    played_s = page.evaluate("window.intone.live.marks.playedS")

    expect(page.locator("#speak-kept")).to_contain_text(
        re.compile("Kept as"), timeout=SOUND_S * 1_000
    )
    assert page.evaluate("window.intone.live.marks.playedS") == played_s


def test_the_chosen_voice_is_marked_after_a_reload(visit: NewVisitor) -> None:
    visitor = visit()
    page = visitor.page
    page.get_by_role("button", name="Speak with Fenrir").click()
    expect(page.locator("#speak-voice input")).to_have_value(re.compile("Fenrir"))
    page.wait_for_timeout(500)

    visitor.reload()

    expect(page.locator("#speak-voice input")).to_have_value(re.compile("Fenrir"))
    chosen = page.get_by_role("button", name="Speak with Fenrir")
    expect(chosen).to_have_attribute("aria-pressed", "true", timeout=10_000)


def test_tab_leaves_a_list_of_voices_shut_and_typing_replaces_the_choice(visit: NewVisitor) -> None:
    page = visit().page
    voice = page.locator("#speak-voice input")
    voice.focus()
    expect(voice).to_have_attribute("aria-expanded", "true")

    page.keyboard.press("Tab")

    expect(page.locator("#speak-language input")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    page.keyboard.type("fenrir")
    page.keyboard.press("Enter")
    expect(voice).to_have_value(re.compile("Fenrir"))
    expect(page.get_by_role("listbox")).to_have_count(0)
