"""Takes: what was spoken is found again, drawn again, used again and removed."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect
from tests.studio.browser.conftest import NewVisitor

pytestmark = pytest.mark.browser

SENTENCE = "The heron stands in the river, and waits for the morning."
SOUND_MS = 60_000


def test_a_take_is_found_drawn_again_used_again_and_removed(visit: NewVisitor) -> None:
    visitor = visit()
    page = visitor.page
    page.locator("#speak-text textarea").fill(SENTENCE)
    page.locator("#speak-go").click()
    expect(page.get_by_role("region", name="The take")).to_contain_text("Kept as", timeout=SOUND_MS)
    visitor.tab("Takes")
    rows = page.locator("#takes-list .take")
    expect(rows.first).to_contain_text(SENTENCE)

    page.locator("#takes-words :is(textarea, input)").fill("heron")
    expect(rows).to_have_count(1)
    rows.first.get_by_text("Everything about it (JSON)").click()
    expect(rows.first.locator("pre")).to_contain_text('"studio-speak"')

    rows.first.get_by_role("button", name=re.compile("^Draw .* again$")).click()
    expect(rows).to_have_count(2, timeout=SOUND_MS)
    expect(rows.last).to_contain_text("The same take, sample for sample")
    expect(rows.last.locator("pre")).to_be_visible()

    delete = rows.first.get_by_role("button", name=re.compile("^Delete"))
    delete.focus()
    page.keyboard.press("Enter")
    expect(rows.first.get_by_role("button", name=re.compile("^Yes, delete"))).to_be_focused()
    page.keyboard.press("Enter")
    expect(rows).to_have_count(1)

    page.locator("#speak-text textarea").evaluate("field => { field.value = ''; }")
    rows.first.get_by_role("button", name=re.compile("^Use .* again$")).click()
    expect(page.locator("#speak-text textarea")).to_have_value(SENTENCE)
    expect(page.locator("#speak-text textarea")).to_be_visible()
