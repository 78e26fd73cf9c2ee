"""Long text: a job goes on while nobody looks, and is there again after a reload."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
from playwright.sync_api import expect
from tests.studio.browser.conftest import NewVisitor
from tests.studio.browser.serving import RunningStudio

pytestmark = pytest.mark.browser

LONG_S = 60.0
BOOK = """# The ferry

It leaves at ten past eight. It is never late.

# The letter

She opened it, read it twice, and put it away without a word. Nobody asked her why.
"""


def test_a_book_is_read_in_the_background_through_a_reload(
    studio: RunningStudio, visit: NewVisitor, tmp_path: Path
) -> None:
    visitor = visit()
    page = visitor.page
    visitor.tab("Long text")
    book = tmp_path / "harbour.md"
    book.write_text(BOOK)

    page.locator("#long-file input[type=file]").set_input_files(book)
    expect(page.locator("#long-outline")).to_contain_text("The letter")
    page.locator("#long-start").click()
    jobs = page.locator("#long-jobs")
    expect(jobs).to_contain_text("harbour")
    visitor.reload()
    visitor.tab("Long text")

    expect(jobs).to_contain_text("harbour")
    links = jobs.get_by_role("link")
    expect(links.first).to_be_visible(timeout=LONG_S * 1_000)
    hrefs = [str(link.get_attribute("href")) for link in links.all()]
    names = " ".join(str(link.get_attribute("download")) for link in links.all())
    assert re.search(r"\.mp3", names), names
    assert ".srt" in names, names
    assert ".vtt" in names, names
    sound = page.request.get(
        studio.server_url + next(href for href in hrefs if href.endswith(".mp3"))
    )
    samples, rate_hz = soundfile.read(io.BytesIO(sound.body()))
    assert len(samples) / rate_hz > 5
    assert np.sqrt(np.mean(samples**2)) > 0.005


def test_what_is_no_book_is_refused_in_words(visit: NewVisitor, tmp_path: Path) -> None:
    visitor = visit()
    page = visitor.page
    visitor.tab("Long text")
    page.locator("#long-paste textarea").fill("My own words stay.")
    book = tmp_path / "broken.epub"
    with zipfile.ZipFile(book, "w") as archive:
        archive.writestr("nothing.txt", "no book")

    page.locator("#long-file input[type=file]").set_input_files(book)

    expect(page.locator("#long-text-note [role=alert]")).to_be_visible()
    expect(page.locator("#long-paste textarea")).to_have_value("My own words stay.")


def test_a_file_that_is_too_large_is_refused_before_it_travels(
    visit: NewVisitor, tmp_path: Path
) -> None:
    visitor = visit()
    panel = visitor.tab("Long text")
    large = tmp_path / "encyclopaedia.txt"
    with large.open("wb") as file:
        file.truncate(60_000_000)

    visitor.page.locator("#long-file input[type=file]").set_input_files(large)

    alert = panel.get_by_role("alert").filter(has_text=re.compile(r"60 MB.*50 MB"))
    expect(alert).to_be_visible()
