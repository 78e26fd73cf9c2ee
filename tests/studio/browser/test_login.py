"""`intone serve --studio`: behind the same keys as the API, shown once on a page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import expect
from tests.studio.browser.conftest import NewVisitor
from tests.studio.browser.serving import RunningStudio, running_studio
from tests.studio.browser.visiting import LEAVING

from intone.server.admission import NO_LIMITS
from intone.server.keys import KeyFile

pytestmark = pytest.mark.browser


@dataclass(frozen=True, slots=True)
class Guarded:
    """A server behind keys, and two of them."""

    running: RunningStudio
    ada: str
    bob: str
    keys: KeyFile


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, graphs: Path) -> Iterator[Guarded]:
    home = tmp_path_factory.mktemp("guarded")
    keys = KeyFile(home / "config" / "intone" / "keys.json")
    ada, bob = keys.add("ada", NO_LIMITS), keys.add("bob", NO_LIMITS)
    with running_studio(home, command=("serve", "--studio"), cache=graphs) as running:
        yield Guarded(running, ada, bob, keys)


def test_a_key_is_shown_once_and_then_it_speaks(guarded: Guarded, visit: NewVisitor) -> None:
    visitor = visit("")
    page = visitor.page
    visitor.expected.append(r"\b401\b")  # the browser tells of the wrong key's answer
    page.goto(guarded.running.url)
    expect(page).to_have_url(re.compile("/studio/login$"))

    page.get_by_label("API key").fill("intone_wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("not known here")
    page.get_by_label("API key").fill(guarded.ada)
    page.keyboard.press("Enter")

    visitor.wait_until_usable()
    page.locator("#speak-text textarea").fill("Behind a door, but heard all the same.")
    page.locator("#speak-go").click()
    assert visitor.hear(timeout_s=40.0) > 0.02
    visitor.reload()
    expect(page.locator("#speak-text textarea")).to_have_value(re.compile("Behind a door"))


def test_one_keys_sounds_and_takes_are_not_anothers(guarded: Guarded, visit: NewVisitor) -> None:
    visitors = []
    for key in (guarded.ada, guarded.bob):
        visitor = visit("")
        visitor.page.goto(guarded.running.url)
        visitor.page.get_by_label("API key").fill(key)
        visitor.page.get_by_role("button").click()
        visitor.wait_until_usable()
        visitors.append(visitor)
    ada, bob = visitors

    ada.page.locator("#speak-text textarea").fill("For Ada alone.")
    ada.page.locator("#speak-go").click()
    play = ada.page.locator("#speak-kept [data-play]")
    expect(play).to_be_visible(timeout=40_000)
    url = guarded.running.server_url + str(play.get_attribute("data-play"))

    assert ada.page.request.get(url).status == 200
    assert bob.page.request.get(url).status == 404
    takes = list(guarded.running.home.glob("data/**/*studio-speak*.wav"))
    assert takes, "they are kept"
    assert all("ada" in path.parts for path in takes)


def test_a_revoked_key_leads_back_to_the_login(guarded: Guarded, visit: NewVisitor) -> None:
    visitor = visit("")
    page = visitor.page
    page.goto(guarded.running.url)
    page.get_by_label("API key").fill(guarded.keys.add("eve", NO_LIMITS))
    page.get_by_role("button").click()
    visitor.wait_until_usable()

    visitor.expected.append(rf"\b401\b|{LEAVING}")
    guarded.keys.revoke("eve")
    page.goto(guarded.running.url)

    expect(page).to_have_url(re.compile("/studio/login$"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_login_is_readable_in_light_and_dark(
    guarded: Guarded, visit: NewVisitor, scheme: str
) -> None:
    page = visit("", color_scheme=scheme, viewport={"width": 390, "height": 844}).page
    page.goto(guarded.running.url)

    colours = page.evaluate("""() => ['body', 'h1', 'button'].map((name) => {
        const style = getComputedStyle(document.querySelector(name));
        return [style.color, style.backgroundColor];
    })""")
    dark_page = colours[0][1] == "rgb(11, 17, 32)"
    assert dark_page == (scheme == "dark")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
