"""Voices: the library is heard, moved, changed; a round of designs is there after a reload."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import av
import pytest
import soundfile
from playwright.sync_api import Page, expect
from tests.studio.browser.conftest import NewVisitor
from tests.studio.browser.serving import RunningStudio
from tests.train.speech import speech

from intone.render.designing import candidate_seed

pytestmark = pytest.mark.browser

LONG_MS = 60_000


def field(page: Page, name: str) -> str:
    """Returns where one types, of a field."""
    return f"#{name} :is(textarea, input)"


def webm(path: Path) -> Path:
    """Writes what a browser's recorder writes; browsers take it for a film."""
    with av.open(str(path), "w", format="webm") as file:
        stream = file.add_stream("libopus", rate=48_000, layout="mono")
        samples = speech(4.0, rate_hz=48_000)[None]
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
        frame.rate, frame.time_base = 48_000, Fraction(1, 48_000)
        to_codec = av.AudioResampler(format="flt", layout="mono", rate=48_000, frame_size=960)
        for part in [*to_codec.resample(frame), *to_codec.resample(None)]:
            file.mux(stream.encode(part))
        file.mux(stream.encode(None))
    return path


def clone(page: Page, clip: Path, name: str) -> None:
    """Makes a voice of a clip, on the Clone tab."""
    page.get_by_role("tab", name="Clone", exact=True).click()
    page.locator("#clone-audio input[type=file]").set_input_files(clip)
    expect(page.locator("#clone-report svg")).to_be_visible()
    page.locator(field(page, "clone-name")).first.fill(name)
    page.locator("#clone-consent input").check()
    page.locator("#clone-go").click()
    expect(page.locator("#clone-note")).to_contain_text(f"{name} is kept", timeout=LONG_MS)


def test_a_voice_is_heard_renamed_exported_deleted_and_imported_again(
    visit: NewVisitor, tmp_path: Path
) -> None:
    visitor = visit()
    page = visitor.page
    clone(page, webm(tmp_path / "memo.webm"), "wanda")
    visitor.tab("Voices")

    page.get_by_role("button", name="Open wanda").click()
    expect(page.locator("#voices-about")).to_contain_text("has agreed that it is cloned")
    page.locator(field(page, "voices-new-name")).first.fill("wilma")
    page.locator("#voices-rename").click()
    expect(page.locator("#voices-panel-note")).to_contain_text("called wilma now")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download (export)").click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    page.locator("#voices-delete").click()
    expect(page.locator("#voices-panel-note")).to_contain_text("next press deletes wilma")
    expect(page.get_by_role("button", name="Open wilma")).to_be_visible()
    page.locator("#voices-delete").click()
    expect(page.get_by_role("button", name="Open wilma")).to_have_count(0)

    page.get_by_role("button", name="Import a voice").click()
    page.locator("#voices-file input[type=file]").set_input_files(file)
    expect(page.locator("#voices-file")).to_contain_text("wilma")
    page.locator("#voices-import-go").click()
    expect(page.locator("#voices-file-note")).to_contain_text("wilma is in the library")
    visitor.hear_anew()
    page.get_by_role("button", name="Play wilma", exact=True).click()
    visitor.hear(loud_ms=100, timeout_s=LONG_MS / 1_000)


def test_a_mood_joins_a_bank_and_leaves_it(visit: NewVisitor, tmp_path: Path) -> None:
    visitor = visit()
    page = visitor.page
    clip = tmp_path / "clip.wav"
    soundfile.write(clip, speech(4.0), 24_000)
    clone(page, clip, "mona")
    visitor.tab("Voices")
    page.get_by_role("button", name="Open mona").click()
    expect(page.locator("#voices-moods")).to_contain_text("No moods yet")

    page.locator("#voices-mood-audio input[type=file]").set_input_files(clip)
    expect(page.locator("#voices-mood-report svg")).to_be_visible()
    page.locator("#voices-mood-add").click()
    expect(page.locator("#voices-mood-note [role=alert]")).to_contain_text("has no mood yet")
    page.locator(field(page, "voices-mood")).first.fill("Angry")
    page.locator("#voices-mood-add").click()
    expect(page.locator("#voices-mood-note")).to_contain_text("1.00", timeout=LONG_MS)
    page.get_by_role("button", name="Remove the mood angry").click()
    expect(page.locator("#voices-moods")).to_contain_text("No moods yet")


def test_a_file_that_is_no_voice_is_refused_beside_its_field(
    visit: NewVisitor, tmp_path: Path
) -> None:
    page = visit().page
    page.get_by_role("tab", name="Voices", exact=True).click()
    words = tmp_path / "words.voice"
    words.write_text("these are words")
    page.get_by_role("button", name="Import a voice").click()
    page.locator("#voices-file input[type=file]").set_input_files(words)
    expect(page.locator("#voices-file")).to_contain_text("words")
    page.locator("#voices-import-go").click()
    expect(page.locator("#voices-file-note [role=alert]")).to_contain_text("foreign or truncated")
    expect(page.locator("#voices-file")).to_contain_text("words")


def test_a_round_is_there_after_a_reload_with_its_seed_to_pin(
    studio: RunningStudio, visit: NewVisitor
) -> None:
    visitor = visit()
    page = visitor.page
    panel = visitor.tab("Design")
    panel.get_by_role("button", name=re.compile("^Try: A deep, raspy")).click()
    page.locator("#design-count input[type=number]").fill("2")
    page.locator(field(page, "design-seed")).first.fill("77")
    page.locator("#design-go").click()
    visitor.reload()

    panel = visitor.tab("Design")
    cards = panel.locator("#design-cards article:not(.drawing, .waiting)")
    expect(cards).to_have_count(2, timeout=LONG_MS)
    expect(panel.locator("#design-about")).to_contain_text("tired cowboy")
    expect(cards.first).to_contain_text(str(candidate_seed(77, 1)))
    expect(panel.get_by_label("Who speaks (description)")).to_have_value(re.compile("tired cowboy"))
    page.locator(field(page, "design-seed")).first.fill("")
    panel.get_by_role("button", name="Put this round into the fields").click()
    expect(page.locator(field(page, "design-seed")).first).to_have_value("77")
