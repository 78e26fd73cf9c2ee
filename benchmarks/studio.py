"""What the studio costs: time to open, time to the first sound, memory idle, loaded and cleared.

    python -m benchmarks.studio --json OUT [--presses 12] [--starts 3]

`intone studio` is started as its browser tests start it, in an empty home, with the built-in voice.
Chromium opens the page. A press of Speak and a streamed request of the API say the same words with
the same seed, in turns, so that both begin with the same silence; medians count. First runs of each
warm up and do not count.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date
from pathlib import Path
from statistics import median

import httpx
import numpy as np
from playwright.sync_api import Browser, Page, expect, sync_playwright
from tests.studio.browser.conftest import ARGUMENTS, WIDE
from tests.studio.browser.serving import RunningStudio, running_studio
from tests.studio.browser.visiting import Visitor

from intone.bench.machine import Machine

_SILENCE = 0.002
_RATE_HZ = 24_000
_SETTLE_S = 3.0
_WORDS = "Good morning. The ferry leaves at ten past eight, and it is never late."
_VOICE = "ava"
_NOTE_PRESS = """
window.addEventListener('click', (event) => {
    if (event.target.closest?.('#speak-go')) window.pressed_ms = performance.now();
}, true);
"""


def main() -> None:
    """Measures and prints, and writes where it is told to."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--presses", type=int, default=12)
    parser.add_argument("--starts", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, _chromium() as browser:
        report = {
            "what": "intone studio with the built-in voice, in Chromium, on this machine",
            "date": date.today().isoformat(),
            "machine": asdict(Machine.here()),
            "chromium": browser.version,
            "opening": _opening(browser, Path(folder), args.starts),
            **_using(browser, Path(folder), args.presses),
        }
    text = json.dumps(report, indent=1)
    print(text)
    if args.json:
        args.json.write_text(text + "\n", encoding="utf-8")


@contextmanager
def _chromium() -> Iterator[Browser]:
    path = shutil.which("chromium")
    if path is None:
        raise SystemExit("there is no Chromium here; apt install chromium.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


def _opening(browser: Browser, folder: Path, num_starts: int) -> dict[str, object]:
    """Returns how long it takes from the start of the process to a page that can be used."""
    answers_s, usable_s = list[float](), list[float]()
    for number in range(num_starts + 1):  # the first reads everything from the disk
        began_s = time.monotonic()
        with running_studio(folder / f"start-{number}") as studio:
            visitor = _visitor(browser)
            visitor.open(studio.url)
            usable_s.append(time.monotonic() - began_s)
            answers_s.append(studio.start_s)
            visitor.page.context.close()
    return {
        "process_to_answer_s": _rounded(answers_s[1:]),
        "process_to_usable_page_s": _rounded(usable_s[1:]),
        "median_to_usable_page_s": round(median(usable_s[1:]), 2),
        "first_start_to_usable_page_s": round(usable_s[0], 2),
    }


def _using(browser: Browser, folder: Path, num_presses: int) -> dict[str, object]:
    with running_studio(folder / "use") as studio:
        visitor = _visitor(browser)
        visitor.open(studio.url)
        time.sleep(_SETTLE_S)
        idle = studio.resident_bytes()
        sound = _first_sounds(visitor.page, studio, num_presses)
        loaded = studio.resident_bytes()
        cleared = _cleared(visitor, studio)
    return {
        "first_sound": sound,
        "memory_mb": {
            "idle_page_open": round(idle / 1e6),
            "after_use_model_loaded": round(loaded / 1e6),
            "after_clear_ram": round(cleared / 1e6),
        },
    }


def _first_sounds(page: Page, studio: RunningStudio, num_presses: int) -> dict[str, object]:
    page.add_init_script(_NOTE_PRESS)
    page.reload()
    expect(page.locator("#speak-voice input")).not_to_have_value("")
    page.locator("#speak-more > button").click()
    pressed, asked = list[tuple[float, float]](), list[tuple[float, float]]()
    for number in range(num_presses + 1):
        pressed.append(_press(page, number))
        asked.append(_ask(studio.server_url, number))
    del pressed[0], asked[0]
    later_s = [page_s[1] - api_s[1] for page_s, api_s in zip(pressed, asked, strict=True)]
    return {
        "words": _WORDS,
        "presses": num_presses,
        "page_press_to_first_sample_s": _summary([one[0] for one in pressed]),
        "page_press_to_first_sound_s": _summary([one[1] for one in pressed]),
        "api_first_byte_s": _summary([one[0] for one in asked]),
        "api_first_sound_if_played_at_once_s": _summary([one[1] for one in asked]),
        "page_later_than_api_s": _summary(later_s),
    }


def _press(page: Page, seed: int) -> tuple[float, float]:
    """Returns when the first sample, and the first that is no silence, shall be heard."""
    page.evaluate("window.hearAnew()")
    page.locator("#speak-text textarea").fill(_WORDS)
    page.locator("#speak-seed :is(textarea, input)").fill(str(seed))
    page.locator("#speak-go").click()
    page.wait_for_function("window.heard.scheduled_ms !== null", timeout=60_000)
    sound_ms = page.evaluate("window.heard.scheduled_ms - window.pressed_ms")
    sample_ms = page.evaluate("window.intone.live.marks.firstSample - window.pressed_ms")
    page.wait_for_function("!window.intone.live.isSounding", timeout=60_000)
    expect(page.locator("#speak-kept")).to_contain_text(f"seed {seed}.", timeout=60_000)
    return sample_ms / 1e3, sound_ms / 1e3


def _ask(server_url: str, seed: int) -> tuple[float, float]:
    """Returns when the first byte was there, and when what is no silence would be heard."""
    body = {"input": _WORDS, "model": "builtin", "voice": _VOICE, "seed": seed}
    began_s = time.perf_counter()
    first_s: float | None = None
    sound = b""
    url = f"{server_url}/v1/audio/speech"
    with httpx.stream("POST", url, json=body | {"response_format": "pcm"}, timeout=60) as answer:
        answer.raise_for_status()
        for piece in answer.iter_raw():
            if first_s is None:
                first_s = time.perf_counter() - began_s
            sound += piece
    assert first_s is not None
    samples = np.frombuffer(sound, dtype="<i2").astype(np.float32) / 32_767
    return first_s, first_s + float(np.argmax(np.abs(samples) >= _SILENCE)) / _RATE_HZ


def _cleared(visitor: Visitor, studio: RunningStudio) -> int:
    visitor.tab("System")
    visitor.page.locator("#system-clear").click()
    expect(visitor.page.locator("#intone-head")).to_contain_text("No model in memory")
    time.sleep(_SETTLE_S)
    return studio.resident_bytes()


def _visitor(browser: Browser) -> Visitor:
    return Visitor.in_(browser.new_context(viewport=WIDE))


def _summary(values_s: list[float]) -> dict[str, float]:
    return {
        "median": round(median(values_s), 3),
        "least": round(min(values_s), 3),
        "most": round(max(values_s), 3),
    }


def _rounded(values_s: list[float]) -> list[float]:
    return [round(value, 2) for value in values_s]


if __name__ == "__main__":
    main()
