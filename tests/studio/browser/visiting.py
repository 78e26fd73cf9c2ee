"""A visitor's browser: opens pages, and remembers what went wrong on them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, Request, expect

HEARING = Path(__file__).with_name("hearing.js")
TABS = (*("Speak", "Design", "Clone", "Script", "Voices", "Long text", "Takes", "Train", "System"),)
"""In the order of the page."""

LEAVING = "AbortError|Connection errored out"
"""What Gradio tells the console of requests that a page leaves behind."""

READY_MS = 20_000
"""How long a page may take on a machine that is busy with other tests."""


@dataclass(slots=True)
class Visitor:
    """One page and what happened on it."""

    page: Page
    expected: list[str] = field(default_factory=list)
    """Patterns of errors that a test provokes."""
    problems: list[str] = field(default_factory=list)
    far_requests: list[str] = field(default_factory=list)

    @classmethod
    def in_(cls, context: BrowserContext) -> Visitor:
        """Returns a visitor with a new page, which hears what sounds."""
        page = context.new_page()
        page.set_default_timeout(READY_MS)
        expect.set_options(timeout=READY_MS)
        page.add_init_script(path=HEARING)
        visitor = cls(page)
        page.on("console", lambda message: visitor._on_console(message))
        page.on("pageerror", lambda error: visitor.problems.append(f"uncaught: {error}"))
        page.on("request", lambda request: visitor._on_request(request))
        return visitor

    def open(self, url: str) -> None:
        """Opens the studio and waits until it can be used."""
        self.page.goto(url)
        self.wait_until_usable()

    def reload(self) -> None:
        """The same for a reload."""
        self.expected.append(LEAVING)
        self.page.reload()
        self.wait_until_usable()

    def wait_until_usable(self) -> None:
        """Waits until presses are heard, and the page has its voices."""
        expect(self.page.get_by_role("tab", name="Speak", exact=True)).to_be_visible()
        expect(self.page.locator("body[data-ready]")).to_be_attached()
        expect(self.page.locator("#speak-voice input")).not_to_have_value("")

    def tab(self, title: str) -> Locator:
        """Opens a tab and returns its panel; on a phone, some are behind a button."""
        tab = self.page.get_by_role("tab", name=title, exact=True)
        if not tab.is_visible():
            self.page.locator(".overflow-menu > button").click()
            tab = self.page.locator(".overflow-dropdown button", has_text=title)
        tab.click()
        expect(self.panel(title)).to_be_visible()
        return self.panel(title)

    def panel(self, title: str) -> Locator:
        """Returns what a tab shows."""
        return self.page.locator(f"#tab-{title.lower().replace(' ', '-')}")

    def hear(self, *, loud_ms: int = 300, timeout_s: float = 30.0) -> float:
        """Waits until so much sound was heard that is no silence; returns its peak."""
        self.page.wait_for_function(
            f"window.heard.loud_ms >= {loud_ms}", timeout=timeout_s * 1_000, polling=50
        )
        return float(self.page.evaluate("window.heard.peak"))

    def hear_anew(self) -> None:
        """Forgets what was heard."""
        self.page.evaluate("window.hearAnew()")

    def unexpected(self) -> list[str]:
        """Returns what went wrong and was not provoked."""
        return [
            problem
            for problem in self.problems
            if not any(re.search(pattern, problem) for pattern in self.expected)
        ]

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.problems.append(f"{message.text} ({message.location.get('url', '')})")

    def _on_request(self, request: Request) -> None:
        place = urlsplit(request.url)
        if place.scheme not in ("data", "blob") and place.hostname != "127.0.0.1":
            self.far_requests.append(request.url)
