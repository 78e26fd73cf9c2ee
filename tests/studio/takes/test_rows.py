"""Takes as HTML: nothing of a record is markup, and buttons say what will happen."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from tests.studio.takes.folders import NOW, keep, keep_many, keep_script

from intone.studio.parts.notes import good
from intone.studio.takes.choosing import TakeFilter, TakePage, TakeReader
from intone.studio.takes.pages import day_choices, mode_choices, pager
from intone.studio.takes.rows import NOTHING, NOTHING_MATCHES, RowMaker, RowState, mode_words

ALL = TakeFilter()


def page_of(folder: Path, wanted: TakeFilter = ALL, number: int = 1) -> TakePage:
    return TakeReader(today=NOW.date).page(folder, wanted, number)


def rows(folder: Path, state: RowState | None = None, wanted: TakeFilter = ALL) -> str:
    maker = RowMaker(folder, lambda path: f"/sound/{path.name}", NOW.date())
    return maker.rows(page_of(folder, wanted), wanted, state or RowState())


def test_an_empty_folder_says_what_fills_it(tmp_path: Path) -> None:
    assert NOTHING.split("<")[0] in rows(tmp_path)
    keep(tmp_path)
    assert NOTHING_MATCHES in rows(tmp_path, wanted=TakeFilter(words="zebra"))


def test_a_row_plays_downloads_and_shows_its_record(tmp_path: Path) -> None:
    kept = keep(tmp_path, "Hello there.")

    html = rows(tmp_path)

    assert f'data-play="/sound/{kept.audio.name}"' in html
    assert f'download="{kept.audio.name}"' in html
    assert f'download="{kept.record.name}"' in html
    assert "today, 15:45" in html
    assert "&quot;text&quot;: &quot;Hello there.&quot;" in html
    assert 'data-do="redo"' in html


def test_nothing_of_a_record_becomes_markup(tmp_path: Path) -> None:
    keep(tmp_path, "<script>alert(1)</script> \" ' ${x} {{y}}", voice='<img src="x">')

    html = rows(tmp_path)

    assert "<script" not in html
    assert "<img" not in html
    assert "&lt;script&gt;" in html


def test_a_long_text_is_folded_whole(tmp_path: Path) -> None:
    text = "word " * 200
    keep(tmp_path, text)

    html = rows(tmp_path)

    assert f"<p>{text}</p>" in html
    assert "(1,000 characters)" in html


def test_a_script_has_its_segments_and_subtitles(tmp_path: Path) -> None:
    stem = keep_script(tmp_path, ("We found it.", "Never mind."))

    html = rows(tmp_path)

    assert "2 segments" in html
    assert html.count('data-do="redo"') == 2
    assert f'download="{stem}.srt"' in html
    assert f'data-do="redo" data-id="{stem}.002"' in html
    assert f'data-id="{stem}" aria-label="Draw' not in html


def test_what_is_being_done_is_seen_in_the_row(tmp_path: Path) -> None:
    stem = keep(tmp_path).record.stem

    removing = rows(tmp_path, RowState(removing=stem))
    redoing = rows(tmp_path, RowState(redoing=stem))
    changed = rows(tmp_path, RowState(changed=stem))
    told = rows(tmp_path, RowState(notes={stem: good("the same take.")}))

    assert "2 files will be gone for good" in removing
    assert 'data-do="remove"' in removing
    assert 'data-do="remove"' not in redoing
    assert 'data-do="stop"' in redoing
    assert 'data-do="redo"' not in redoing
    assert 'data-do="redo-anyway"' in changed
    assert "The same take." in told


def test_pages_and_choices_say_how_many_there_are(tmp_path: Path) -> None:
    keep_many(tmp_path, 45)
    keep(tmp_path, mode="studio-long-text", days_ago=1)
    (tmp_path / "holiday.wav").write_bytes(b"")
    middle = page_of(tmp_path, number=2)

    html = pager(middle)

    assert "21 to 40 of 46" in html
    assert 'data-do="page" data-id="1"' in html
    assert 'data-do="page" data-id="3"' in html
    assert "1 other file in the folder is not shown" in html
    assert mode_choices(middle.index)[1:] == [
        ("say (command line) (45)", "say"),
        ("Long text (1)", "studio-long-text"),
    ]
    days = day_choices(middle.index, NOW.date())
    assert days[4:] == [("Today (45)", "20260131"), ("Yesterday (1)", "20260130")]
    earlier = day_choices(middle.index, NOW.date() + timedelta(days=9))
    assert earlier[4] == ("31 January 2026 (45)", "20260131")


@pytest.mark.parametrize(
    ("mode", "words"),
    [("studio-speak", "Speak"), ("clone", "clone (command line)"), ("mine", "mine")],
)
def test_kinds_are_called_as_their_tabs_are(mode: str, words: str) -> None:
    assert mode_words(mode) == words
