"""Pictures of every tab, light, dark and on a phone, with the work of a morning on them.

    python -m benchmarks.studio_pictures [--out docs/images] [--tabs Speak Script]

`intone studio` is started in an empty home with the built-in voice; a model of random weights
stands in for one that designs (its pictures show the page, not its sound). Everything on the
pictures was made by pressing the page's own buttons.
"""

from __future__ import annotations

import argparse
import io
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright
from tests.studio.browser.conftest import ARGUMENTS
from tests.studio.browser.serving import RunningStudio, running_studio
from tests.studio.browser.visiting import TABS, Visitor

from intone.models.random_checkpoint import write_random_checkpoint
from intone.studio.parts.words import SCRIPTS
from intone.tts import TTS

_WAIT_MS = 120_000
_MAX_BYTES = 60_000
_COLOURS = (96, 64, 48, 32)
_MAX_HEIGHT = 1_300
_SAID = "She opened the letter, read it twice, and put it away without a word."
_REFERENCE = "The harbour lights went out one by one. Nobody on the quay said a word about it."
_BOOK = """# The ferry

It leaves at ten past eight. It is never late.

# The letter

She opened it, read it twice, and put it away without a word. Nobody asked her why.
"""


@dataclass(frozen=True, slots=True)
class _Look:
    name: str
    scheme: str
    width: int
    height: int


_LOOKS = (
    _Look("light", "light", 1_280, 800),
    _Look("dark", "dark", 1_280, 800),
    _Look("phone", "light", 390, 844),
)


def main() -> None:
    """Makes the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("docs/images"))
    parser.add_argument("--tabs", nargs="+", choices=TABS, default=TABS)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        design = home / "random-design"
        write_random_checkpoint(design, kind="design", size="tiny")
        environ = {
            "INTONE_MODEL__SERVED": f"builtin,{design}",
            "INTONE_MODEL__DEFAULT": "builtin",
        }
        with running_studio(home / "home", environ=environ) as studio:
            _take_pictures(studio, home, args.tabs, args.out)


def _take_pictures(studio: RunningStudio, home: Path, tabs: Sequence[str], out: Path) -> None:
    clip, book = _clip(home / "nora.wav"), home / "the-harbour.md"
    book.write_text(_BOOK)
    out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=list(ARGUMENTS)
        )
        context = browser.new_context(viewport={"width": 1_280, "height": 800})
        visitor = Visitor.in_(context)
        visitor.open(studio.url)
        _work(visitor, clip, book)
        for look in _LOOKS:
            visitor.page.emulate_media(color_scheme=look.scheme)  # type: ignore[arg-type]
            visitor.page.set_viewport_size({"width": look.width, "height": look.height})
            visitor.reload()
            for title in tabs:
                visitor.tab(title)
                _FILL.get(title, _nothing)(visitor.page, clip)
                _save(visitor.page, out / f"studio-{_slug(title)}-{look.name}.png", look)
        browser.close()


def _clip(path: Path) -> Path:
    """Writes a recording of a person who is none."""
    with TTS("builtin", dtype="fp32") as tts:
        return tts.speak(_REFERENCE, voice="bella", seed=3).save(path)


def _work(visitor: Visitor, clip: Path, book: Path) -> None:
    """Does what a morning in the studio does."""
    page = visitor.page
    for text in ("Good morning. The ferry leaves at ten past eight.", _SAID):
        page.locator("#speak-text textarea").fill(text)
        page.locator("#speak-go").click()
        page.wait_for_timeout(500)
        expect(page.locator("#speak-kept")).to_contain_text("Kept as", timeout=_WAIT_MS)
        page.wait_for_function("!window.intone.live.isSounding", timeout=_WAIT_MS)
    visitor.tab("Clone")
    page.locator("#clone-audio input[type=file]").set_input_files(clip)
    page.locator("#clone-name :is(textarea, input)").first.fill("nora")
    page.locator("#clone-consent input").check()
    expect(page.locator("#clone-report")).to_contain_text("Length", timeout=_WAIT_MS)
    page.locator("#clone-go").click()
    expect(page.locator("#clone-compare")).to_be_visible(timeout=_WAIT_MS)
    visitor.tab("Long text")
    page.locator("#long-file input[type=file]").set_input_files(book)
    expect(page.locator("#long-outline")).to_contain_text("The letter", timeout=_WAIT_MS)
    page.locator("#long-start").click()
    expect(page.locator("#long-jobs a").first).to_be_visible(timeout=_WAIT_MS)
    visitor.tab("Design")
    page.locator("#design-description textarea").fill(
        "An old storyteller, slow and warm, with a slight tremble."
    )
    page.locator("#design-go").click()
    cards = page.locator("#design-cards article:not(.drawing, .waiting)")
    expect(cards).to_have_count(4, timeout=_WAIT_MS)
    visitor.tab("Script")
    page.locator("#script-text textarea").fill(SCRIPTS[0].text)
    expect(page.locator("#script-found")).to_contain_text("segments", timeout=_WAIT_MS)
    page.locator("#script-render").click()
    page.evaluate("window.intone.stop()")
    whole = page.get_by_role("region", name="The whole")
    expect(whole).to_contain_text("rows", timeout=_WAIT_MS)
    expect(page.locator("#script-stop")).to_be_disabled(timeout=_WAIT_MS)
    page.evaluate("window.intone.stop()")


def _speak(page: Page, clip: Path) -> None:
    page.locator("#speak-text textarea").fill(_SAID)
    page.locator("#speak-go").click()
    page.wait_for_timeout(500)
    expect(page.locator("#speak-kept")).to_contain_text("Kept as", timeout=_WAIT_MS)
    page.wait_for_function("!window.intone.live.isSounding", timeout=_WAIT_MS)


def _clone(page: Page, clip: Path) -> None:
    page.locator("#clone-audio input[type=file]").set_input_files(clip)
    page.locator("#clone-name :is(textarea, input)").first.fill("nora-aloud")
    expect(page.locator("#clone-report")).to_contain_text("Length", timeout=_WAIT_MS)


def _nothing(page: Page, clip: Path) -> None:
    """Some tabs show what is there."""


_FILL: dict[str, Callable[[Page, Path], None]] = {
    "Speak": _speak,
    "Clone": _clone,
}


def _save(page: Page, path: Path, look: _Look) -> None:
    """Writes a picture of as many colours and lines as fit the size."""
    page.wait_for_timeout(1_500)
    page.evaluate("document.activeElement?.blur(); window.scrollTo(0, 0)")
    shot = Image.open(io.BytesIO(page.screenshot(full_page=True))).convert("RGB")
    height = _MAX_HEIGHT
    for colours in _COLOURS:
        image = shot.crop((0, 0, shot.width, min(shot.height, height)))
        small = image.quantize(colours, kmeans=2, dither=Image.Dither.NONE)
        small.save(path, optimize=True)
        if path.stat().st_size <= _MAX_BYTES:
            break
        height -= 100
    print(f"{path} {path.stat().st_size / 1e3:.0f} kB")


def _slug(title: str) -> str:
    return title.lower().replace(" ", "-")


if __name__ == "__main__":
    main()
