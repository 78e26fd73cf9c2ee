"""Speak: what is typed is heard, stops when told to, is never lost. The built-in voice speaks."""

from __future__ import annotations

import io
import json
import re
import time

import numpy as np
import pytest
import soundfile
from playwright.sync_api import Locator, Page, expect
from tests.studio.browser.conftest import NewVisitor
from tests.studio.browser.serving import RunningStudio
from tests.studio.browser.visiting import LEAVING

pytestmark = pytest.mark.browser

SHORT = "Good morning, and welcome aboard."
LONG = " ".join(["The ferry leaves at ten past eight, and it is never late."] * 12)
SOUND_S = 40.0
"""How long a take may take on a busy machine, the model's loading included."""


def field(page: Page, name: str) -> Locator:
    """Returns where one types, of a field of the tab."""
    return page.locator(f"#speak-{name} :is(textarea, input)").first


def say(page: Page, text: str) -> None:
    """Types a text and presses the button."""
    field(page, "text").fill(text)
    page.locator("#speak-go").click()


def loudness(page: Page, url: str) -> float:
    """Returns the root mean square of a file that the page offers, whatever its format."""
    answer = page.request.get(url)
    assert answer.ok, answer.status_text
    samples, _ = soundfile.read(io.BytesIO(answer.body()), dtype="float32")
    return float(np.sqrt(np.mean(samples**2)))


def test_a_text_is_heard_while_it_is_made_and_kept(
    studio: RunningStudio, visit: NewVisitor
) -> None:
    visitor = visit()
    page = visitor.page

    say(page, SHORT)
    assert visitor.hear(timeout_s=SOUND_S) > 0.02
    take = page.get_by_role("region", name="The take")
    expect(take).to_contain_text("Kept as", timeout=SOUND_S * 1_000)

    figures = page.locator("#speak-figures")
    expect(figures).to_contain_text(re.compile(r"\d\.\d{2} s"))
    expect(figures).to_contain_text(re.compile(r"\d\.\dx real time"))
    expect(figures).to_contain_text("Frames")
    for format in ("wav", "mp3", "flac", "ogg"):
        link = take.get_by_role("link", name=format, exact=True).get_attribute("href")
        assert loudness(page, f"{studio.server_url}{link}") > 0.005, format
    records = studio.home.glob("data/**/*studio-speak*.json")
    assert SHORT in {json.loads(record.read_text()).get("text") for record in records}


def test_a_take_is_played_again_in_the_one_player(visit: NewVisitor) -> None:
    visitor = visit()
    say(visitor.page, SHORT)
    again = visitor.page.get_by_role("button", name=re.compile("^Play .*studio-speak"))
    expect(again).to_be_visible(timeout=SOUND_S * 1_000)
    visitor.page.locator("#speak-stop").click()

    visitor.hear_anew()
    again.click()
    assert visitor.hear() > 0.02
    assert visitor.page.locator("audio").count() == 1


def test_stop_silences_the_page_and_ends_the_take(studio: RunningStudio, visit: NewVisitor) -> None:
    visitor = visit()
    page = visitor.page
    kept = set(studio.home.glob("data/**/*.json"))
    say(page, LONG)
    visitor.hear(timeout_s=SOUND_S)

    page.locator("#speak-stop").click()
    expect(page.locator("#speak-figures")).to_contain_text("Stopped", timeout=5_000)
    page.wait_for_timeout(200)
    visitor.hear_anew()
    page.wait_for_timeout(700)

    assert page.evaluate("window.heard.loud_ms") == 0
    assert set(studio.home.glob("data/**/*.json")) == kept
    say(page, SHORT)
    visitor.hear(timeout_s=SOUND_S)


def test_speaking_needs_no_mouse(visit: NewVisitor) -> None:
    visitor = visit()
    page = visitor.page
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('#speak-text') !== null"):
            break
    page.keyboard.type(SHORT)
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('#speak-go') !== null"):
            break
    page.keyboard.press("Enter")

    assert visitor.hear(timeout_s=SOUND_S) > 0.02


def test_two_pages_speak_at_once_and_each_hears_its_own(
    studio: RunningStudio, visit: NewVisitor
) -> None:
    one, other = visit(), visit()
    kept = set(studio.home.glob("data/**/*studio-speak*.json"))
    texts = ("The first of two pages speaks.", "The second of them speaks as well.")

    for visitor, text in zip((one, other), texts, strict=True):
        say(visitor.page, text)
    for visitor in (one, other):
        assert visitor.hear(timeout_s=SOUND_S) > 0.02
        expect(visitor.page.locator("#speak-kept")).to_contain_text(
            "Kept as", timeout=SOUND_S * 1_000
        )

    new = set(studio.home.glob("data/**/*studio-speak*.json")) - kept
    assert sorted(json.loads(path.read_text())["text"] for path in new) == sorted(texts)


@pytest.mark.parametrize(
    ("name", "value", "note"),
    [
        ("text", "", "speak-text-note"),
        ("seed", "half past ten", "speak-seed-note"),
        ("voice", "nobody", "speak-voice-note"),
    ],
)
def test_what_is_wrong_is_told_beside_its_field_and_nothing_typed_is_lost(
    visit: NewVisitor, name: str, value: str, note: str
) -> None:
    visitor = visit()
    visitor.expected.append(r"\b400\b")
    page = visitor.page
    page.locator("#speak-more > button").click()
    typed = {"text": SHORT, "instruct": "", "seed": "7"} | {name: value}
    for one, words in typed.items():
        if field(page, one).is_enabled():
            field(page, one).fill(words)
            field(page, one).press("Tab")

    page.locator("#speak-go").click()

    expect(page.locator(f"#{note} [role=alert]")).to_be_visible(timeout=SOUND_S * 1_000)
    assert "Traceback" not in page.inner_text("body")
    for one, words in typed.items():
        expect(field(page, one)).to_have_value(words)


def test_nothing_typed_is_lost_by_a_reload(visit: NewVisitor) -> None:
    visitor = visit()
    page = visitor.page
    field(page, "text").fill("A sentence that I would hate to write twice.")
    page.locator("#speak-text").click()
    page.wait_for_timeout(500)

    visitor.reload()

    expect(field(page, "text")).to_have_value("A sentence that I would hate to write twice.")


def test_leaving_the_page_ends_what_it_asked_for(studio: RunningStudio, visit: NewVisitor) -> None:
    visitor = visit()
    say(visitor.page, LONG)
    visitor.hear(timeout_s=SOUND_S)
    visitor.expected.append(LEAVING)
    visitor.page.goto("about:blank")

    other = visit()
    began_s = time.monotonic()
    say(other.page, SHORT)
    other.hear(timeout_s=SOUND_S)
    assert time.monotonic() - began_s < 10.0
