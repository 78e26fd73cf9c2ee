"""Script: cast, tags by keyboard, rows edited and moved, and two browser tabs that do not mix."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect
from tests.studio.browser.conftest import NewVisitor

pytestmark = pytest.mark.browser

DIALOGUE = "Nora: You are late.\nSam: The road was closed."


def test_speakers_are_found_and_a_cast_typed_quickly_is_kept(visit: NewVisitor) -> None:
    visitor = visit()
    page = visitor.page
    visitor.tab("Script")
    page.locator("#script-text textarea").fill(DIALOGUE)
    expect(page.locator("[data-speaker]")).to_have_count(2)
    page.locator("[data-speaker=Nora]").fill("bella")
    page.keyboard.press("Tab")
    page.locator("[data-speaker=Sam]").fill("fenrir")
    page.keyboard.press("Tab")
    page.wait_for_function(
        "(sessionStorage.getItem('intone.script.fields') ?? '').includes('fenrir')"
    )

    page.locator("#script-check").click()

    rows = page.locator("#script-rows .script-row")
    expect(rows.nth(0)).to_contain_text("Nora (bella)")
    expect(rows.nth(1)).to_contain_text("Sam (fenrir)")
    expect(page.locator("#intone-head")).not_to_contain_text("loading")


def test_rows_are_moved_and_edited_by_keyboard_and_the_text_says_so(visit: NewVisitor) -> None:
    visitor = visit()
    page = visitor.page
    visitor.tab("Script")
    text = page.locator("#script-text textarea")
    text.fill("One is here. ")
    text.press("End")
    page.keyboard.press("Alt+3")
    page.keyboard.type("Two is here.")
    expect(text).to_have_value("One is here. [Angry] Two is here.")
    page.locator("#script-check").click()
    rows = page.locator("#script-rows .script-row")
    expect(rows).to_have_count(2)

    page.get_by_role("button", name="Move row 2 up").focus()
    page.keyboard.press("Enter")
    expect(text).to_have_value("[Angry] Two is here.\n[reset] One is here.")
    page.get_by_role("button", name="Edit row 1").focus()
    page.keyboard.press("Enter")
    words = page.locator("#script-edit-text textarea")
    expect(words).to_have_value("Two is here.")
    words.fill("Two and a half.")
    page.locator("#script-edit-keep").click()

    expect(text).to_have_value("[Angry] Two and a half.\n[reset] One is here.")
    expect(rows.nth(0)).to_contain_text("Two and a half.")


def test_two_browser_tabs_do_not_mix(visit: NewVisitor) -> None:
    visitor = visit()
    page = visitor.page
    visitor.tab("Script")
    page.locator("#script-text textarea").fill("The first tab.")
    page.locator("#script-check").click()
    expect(page.locator("#script-rows .script-row")).to_have_count(1)

    other = page.context.new_page()
    other.goto(page.url)
    other.get_by_role("tab", name="Script", exact=True).click()
    rows = other.locator("#script-rows .script-row")
    expect(rows).to_contain_text("The first tab.")  # a new tab begins where the last one was
    other.locator("#script-text textarea").fill("The second tab. [Sad] It has two rows.")
    other.locator("#script-check").click()
    expect(rows).to_have_count(2)

    visitor.reload()
    visitor.tab("Script")
    expect(page.locator("#script-text textarea")).to_have_value("The first tab.")
    expect(page.locator("#script-rows .script-row")).to_have_count(1)
    expect(page.locator("#script-rows")).to_contain_text(re.compile("The first tab"))
