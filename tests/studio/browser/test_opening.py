"""The page opens, every tab of it by keyboard, and nothing goes wrong meanwhile."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import expect
from tests.studio.browser.conftest import NewVisitor
from tests.studio.browser.serving import RunningStudio
from tests.studio.browser.visiting import TABS

pytestmark = pytest.mark.browser


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
