"""Script: moods as rows that fill while they are drawn, one drawn again, one whole."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
import soundfile
from playwright.sync_api import expect
from tests.studio.browser.conftest import NewVisitor
from tests.studio.browser.serving import RunningStudio

pytestmark = pytest.mark.browser

LONG_S = 90.0
SCRIPT = """[Serious] We found the letter under the floor.
[Whispering] Do not read it aloud in here.
[Angry] I told you to leave it where it was!
"""


def test_three_moods_are_drawn_heard_and_one_is_drawn_again(
    studio: RunningStudio, visit: NewVisitor
) -> None:
    visitor = visit()
    page = visitor.page
    panel = visitor.tab("Script")
    page.locator("#script-text textarea").fill(SCRIPT)
    page.locator("#script-seed textarea, #script-seed input").first.fill("5")
    expect(page.locator("#script-found")).to_contain_text("3 segments")

    page.locator("#script-render").click()
    assert visitor.hear(timeout_s=LONG_S) > 0.02, "rows are heard as they come"
    rows = page.locator("#script-rows .script-rows > li")
    expect(rows).to_have_count(3)
    for number, mood in enumerate(("serious", "whispering", "angry")):
        expect(rows.nth(number)).to_contain_text(re.compile(mood, re.I))
        expect(rows.nth(number).get_by_role("button", name=re.compile("^Play"))).to_have_count(
            1, timeout=LONG_S * 1_000
        )
    page.evaluate("window.intone.stop()")
    whole = panel.get_by_role("region", name="The whole")
    expect(whole).to_contain_text("3 rows", timeout=LONG_S * 1_000)
    first = str(whole.get_by_role("link", name="wav", exact=True).get_attribute("href"))
    before = page.request.get(studio.server_url + first).body()

    rows.nth(1).get_by_role("button", name=re.compile("^Draw another take")).click()
    takes = rows.nth(1).get_by_role("button", name=re.compile(r"take 2", re.I))
    expect(takes.first).to_be_attached(timeout=LONG_S * 1_000)
    link = whole.get_by_role("link", name="wav", exact=True)
    expect(link).not_to_have_attribute("href", first, timeout=LONG_S * 1_000)
    again = page.request.get(studio.server_url + str(link.get_attribute("href"))).body()

    samples, rate_hz = soundfile.read(io.BytesIO(again))
    assert len(samples) / rate_hz > 3
    assert np.sqrt(np.mean(samples**2)) > 0.005
    assert again != before, "the whole has the new take"

    visitor.reload()
    visitor.tab("Script")
    expect(page.locator("#script-text textarea")).to_have_value(SCRIPT)
    expect(rows).to_have_count(3)


def test_a_tag_that_means_nothing_is_told_with_its_place(visit: NewVisitor) -> None:
    visitor = visit()
    page = visitor.page
    visitor.tab("Script")
    script = "[Serious] One line.\n[voice:] Another one."
    page.locator("#script-text textarea").fill(script)

    page.locator("#script-render").click()

    wrong = page.locator("#tab-script").get_by_role("alert").filter(has_text=re.compile("line 2"))
    expect(wrong.first).to_be_visible()
    expect(page.locator("#script-text textarea")).to_have_value(script)
