"""Voices: designed, cloned, kept, and spoken with. A tiny model of random weights designs, which
sounds like nobody; the built-in model clones, with its own speaker encoder."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import soundfile
from playwright.sync_api import Page, expect
from tests.studio.browser.conftest import NewVisitor
from tests.studio.browser.serving import RunningStudio

from intone.tts import TTS

pytestmark = pytest.mark.browser

WORDS = "The harbour lights went out one by one. Nobody on the quay said a word about it."
LONG_S = 60.0


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of somebody, 5 s and more: the built-in voice, as any person would be."""
    with TTS("builtin", dtype="fp32") as tts:
        audio = tts.speak(WORDS, voice="bella", seed=3)
    path = tmp_path_factory.mktemp("clips") / "bella.wav"
    soundfile.write(path, audio.samples, audio.sample_rate_hz, subtype="PCM_16")
    return path


def speak_with(page: Page, voice: str, text: str) -> None:
    """Chooses a voice as a user does, by its name, and speaks."""
    page.get_by_role("tab", name="Speak", exact=True).click()
    page.locator("#speak-voice input").fill(voice)
    page.locator("#speak-voice input").press("Enter")
    page.locator("#speak-text textarea").fill(text)
    page.locator("#speak-go").click()


def test_a_description_becomes_a_voice_that_speaks(
    studio: RunningStudio, visit: NewVisitor
) -> None:
    visitor = visit()
    page = visitor.page
    panel = visitor.tab("Design")

    panel.get_by_label("Who speaks (description)").fill("An old storyteller, slow and warm.")
    page.locator("#design-count input[type=number]").fill("4")
    page.locator("#design-seed textarea, #design-seed input").first.fill("11")
    page.locator("#design-go").click()
    cards = panel.locator("#design-cards article:not(.drawing, .waiting)")
    expect(cards).to_have_count(4, timeout=LONG_S * 1_000)
    visitor.hear_anew()
    cards.first.get_by_role("button", name="Play voice 1").click()
    visitor.hear(loud_ms=100)
    page.get_by_role("button", name="Close the player").click()
    lengths_s = [float(re.findall(r"([\d.]+) s\b", card)[0]) for card in cards.all_inner_texts()]
    longest = lengths_s.index(max(lengths_s))  # random weights end where they like
    cards.nth(longest).get_by_role("button", name=re.compile("^Keep voice")).click()
    page.locator("#design-name input, #design-name textarea").first.fill("grandfather")
    page.locator("#design-keep-go").click()
    expect(page.locator("#design-keep-note")).to_contain_text(
        re.compile("grandfather"), timeout=LONG_S * 1_000
    )

    assert list(studio.home.glob("data/**/grandfather*"))
    visitor.hear_anew()
    speak_with(page, "grandfather", "I was young when this house was built.")
    visitor.hear(loud_ms=100, timeout_s=LONG_S)


def test_one_candidate_is_drawn_again_and_the_others_stay(visit: NewVisitor) -> None:
    visitor = visit()
    panel = visitor.tab("Design")
    panel.get_by_label("Who speaks (description)").fill("A bright young woman.")
    panel.get_by_label("What they say").fill("Come closer.")
    visitor.page.locator("#design-count input[type=number]").fill("2")
    visitor.page.locator("#design-seed textarea, #design-seed input").first.fill("11")
    visitor.page.locator("#design-go").click()
    cards = panel.locator("#design-cards article:not(.drawing, .waiting)")
    expect(panel.locator("#design-about")).to_contain_text("bright", timeout=LONG_S * 1_000)
    expect(cards).to_have_count(2, timeout=LONG_S * 1_000)
    first, second = cards.nth(0).inner_text(), cards.nth(1).inner_text()

    cards.nth(1).get_by_role("button", name="Draw another voice 2").click()

    expect(cards.nth(1)).not_to_contain_text(
        next(line for line in second.splitlines() if line.startswith("seed")),
        timeout=LONG_S * 1_000,
    )
    expect(cards).to_have_count(2, timeout=LONG_S * 1_000)
    assert cards.nth(0).inner_text() == first


def test_a_clip_becomes_a_voice_and_is_compared(
    studio: RunningStudio, visit: NewVisitor, clip: Path
) -> None:
    visitor = visit()
    page = visitor.page
    panel = visitor.tab("Clone")

    page.locator("#clone-audio input[type=file]").set_input_files(clip)
    expect(page.locator("#clone-report")).to_contain_text(re.compile(r"\d\.\d s"))
    expect(page.locator("#clone-report svg, #clone-report img").first).to_be_visible()
    panel.get_by_label("Name of the voice").fill("bella-again")
    page.locator("#clone-go").click()
    expect(page.locator("#clone-consent-note [role=alert]")).to_be_visible()
    expect(panel.get_by_label("Name of the voice")).to_have_value("bella-again")
    panel.locator("#clone-consent input").check()
    page.locator("#clone-go").click()
    expect(page.locator("#clone-compare")).to_be_visible(timeout=LONG_S * 1_000)

    page.locator("#clone-text textarea").fill("And now I say something else.")
    page.locator("#clone-say").click()
    pair = page.locator("#clone-pair")
    sounds = pair.locator("audio")
    expect(sounds).to_have_count(2, timeout=LONG_S * 1_000)
    expect(pair).to_contain_text(re.compile(r"Similarity [01]\.\d\d"))
    for side in range(2):
        visitor.hear_anew()
        sounds.nth(side).evaluate("(sound) => sound.play()")
        visitor.hear(loud_ms=300)
        sounds.nth(side).evaluate("(sound) => sound.pause()")
    assert list(studio.home.glob("data/**/bella-again*"))


def test_a_clip_comes_from_the_microphone(visit: NewVisitor) -> None:
    visitor = visit()
    visitor.tab("Clone")
    audio = visitor.page.locator("#clone-audio")

    audio.get_by_role("button", name="Record audio").click()
    audio.get_by_role("button", name="Record", exact=True).click()
    visitor.page.wait_for_timeout(2_500)
    audio.locator(".stop-button").click()

    # Chromium's device beeps: a sound, if no voice. What the report makes of it, it says in words.
    expect(visitor.page.locator("#clone-report")).to_contain_text(re.compile(r"Length [12]\.\d s"))


def test_what_is_no_sound_is_refused_in_words(visit: NewVisitor, tmp_path: Path) -> None:
    visitor = visit()
    page = visitor.page
    visitor.expected.append("Waveform load error")  # of the player, which is told to show it
    panel = visitor.tab("Clone")
    panel.get_by_label("Name of the voice").fill("nobody-yet")
    text = tmp_path / "shopping.wav"
    text.write_text("milk\nbread\n" * 400)

    page.locator("#clone-audio input[type=file]").set_input_files(text)

    note = page.locator("#clone-audio-note [role=alert]")
    expect(note).to_be_visible()
    assert "Traceback" not in page.inner_text("body")
    assert len(note.inner_text()) > 40, "what was given, and what is wanted"
    expect(panel.get_by_label("Name of the voice")).to_have_value("nobody-yet")


def test_sixty_megabytes_are_refused_in_words_before_they_travel(
    visit: NewVisitor, tmp_path: Path
) -> None:
    visitor = visit()
    page = visitor.page
    panel = visitor.tab("Clone")
    panel.get_by_label("Name of the voice").fill("nobody-yet")
    large = tmp_path / "evening.wav"
    with large.open("wb") as file:
        file.truncate(60_000_000)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))

    page.locator("#clone-audio input[type=file]").set_input_files(large)

    alert = panel.get_by_role("alert").filter(has_text=re.compile(r"60 MB.*50 MB"))
    expect(alert).to_be_visible()
    assert not [url for url in sent if "upload" in url]
    expect(panel.get_by_label("Name of the voice")).to_have_value("nobody-yet")
