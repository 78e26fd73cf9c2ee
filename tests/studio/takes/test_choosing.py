"""Which takes are shown: order, pages, filters, and folders that hold other things too."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from time import perf_counter

import pytest
from tests.studio.takes.folders import NOW, keep, keep_many, keep_script

from intone.core.errors import OutputError, RecordError
from intone.studio.takes import reading
from intone.studio.takes.choosing import TakeFilter, TakePage, TakeReader
from intone.studio.takes.index import TakeIndex

ALL = TakeFilter()


def reader() -> TakeReader:
    return TakeReader(today=NOW.date)


def texts(page: TakePage) -> list[str]:
    return [take.text for take in page.takes]


def found(folder: Path, **wanted: str) -> list[str]:
    return texts(reader().page(folder, TakeFilter(**wanted)))


def test_a_folder_that_is_not_there_yet_holds_no_takes(tmp_path: Path) -> None:
    page = reader().page(tmp_path / "none", ALL)

    assert (page.takes, page.num_pages, page.index.num_foreign) == ((), 1, 0)


def test_the_newest_take_comes_first_even_within_a_second(tmp_path: Path) -> None:
    keep(tmp_path, "old", days_ago=3)
    keep(tmp_path, "older", days_ago=4, mode="say")
    for number in range(11):
        keep(tmp_path, f"new {number}", mode="studio-clone")

    assert found(tmp_path) == [*(f"new {number}" for number in reversed(range(11))), "old", "older"]


def test_takes_come_twenty_at_a_time(tmp_path: Path) -> None:
    keep_many(tmp_path, 45)

    last = reader().page(tmp_path, ALL, 3)

    assert (last.number, last.num_pages, last.num_matching) == (3, 3, 45)
    assert texts(last) == [f"Take {number}." for number in (4, 3, 2, 1, 0)]
    assert reader().page(tmp_path, ALL, 99).number == 3
    assert reader().page(tmp_path, ALL, -1).number == 1


def test_filters_by_kind_voice_words_and_day(tmp_path: Path) -> None:
    keep(tmp_path, "The river rose.", voice="ava")
    keep(tmp_path, "The Rose of the river.", voice="Fenrir", mode="say", days_ago=2)
    keep(tmp_path, "Nothing.", voice="fenrir", mode="say", days_ago=20)

    assert found(tmp_path, mode="say") == ["The Rose of the river.", "Nothing."]
    assert found(tmp_path, voice="FEN", words="rose THE") == ["The Rose of the river."]
    assert found(tmp_path, words="rose river") == ["The river rose.", "The Rose of the river."]
    assert found(tmp_path, since="today") == ["The river rose."]
    assert found(tmp_path, since="7") == ["The river rose.", "The Rose of the river."]
    assert found(tmp_path, since=f"{NOW - timedelta(days=20):%Y%m%d}") == ["Nothing."]
    assert found(tmp_path, words="rose", mode="studio-script") == []


def test_words_of_a_segment_find_its_script(tmp_path: Path) -> None:
    keep_script(tmp_path, ("We found it.", "Never mind."))
    keep(tmp_path, "Another.")

    page = reader().page(tmp_path, TakeFilter(words="never"))

    (script,) = page.takes
    assert [segment.text for segment in script.segments] == ["We found it.", "Never mind."]
    assert script.text == "We found it. Never mind."


def test_an_unfinished_script_is_shown_with_what_it_has(tmp_path: Path) -> None:
    keep_script(tmp_path, ("One.", "Two."), is_whole=False)

    (script,) = reader().page(tmp_path, ALL).takes

    assert "not finished" in (script.problem or "")
    assert len(script.segments) == 2
    assert not script.can_redo


def test_damaged_and_foreign_files_never_break_the_list(tmp_path: Path) -> None:
    keep(tmp_path, "Whole.")
    (tmp_path / "say_20260130_010101.json").write_text("{ half", encoding="utf-8")
    (tmp_path / "say_20260130_010102.json").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "say_20260130_010103.json").write_text('{"schema": 99}', encoding="utf-8")
    (tmp_path / "say_20260130_010104.json").write_text("[1]", encoding="utf-8")
    (tmp_path / "say_20260130_010105.json").mkdir()
    (tmp_path / "say_20260130_010106.json").write_text("[" * 100_000, encoding="utf-8")
    strange = keep(tmp_path, mode="strange").record
    strange.write_text(strange.read_text("utf-8").replace("24000", "0"), encoding="utf-8")
    (tmp_path / "say_20260130_010107.wav").write_bytes(b"RIFF")
    (tmp_path / "say_20269930_010101.json").write_text("{}", encoding="utf-8")
    (tmp_path / "holiday.wav").write_bytes(b"")
    (tmp_path / "notes").mkdir()
    (tmp_path / ".say_20260130_010109.claim").write_bytes(b"")
    os.symlink(tmp_path / "gone", tmp_path / "say_20260130_010108.json")

    page = reader().page(tmp_path, ALL)

    assert page.num_matching == 10
    assert [one.text for one in page.takes if not one.problem] == ["Whole."]
    assert page.index.num_foreign == 2
    assert reader().page(tmp_path, TakeFilter(words="whole")).num_matching == 1
    for take in page.takes:
        reading.pretty_json(tmp_path, take.files)


def test_a_record_does_not_point_out_of_its_folder(tmp_path: Path) -> None:
    kept = keep(tmp_path)
    written = kept.record.read_text("utf-8").replace(kept.audio.name, "../../secret.wav")
    kept.record.write_text(written, encoding="utf-8")

    (take,) = reader().page(tmp_path, ALL).takes

    assert take.audio == kept.audio.name


def test_only_names_that_are_there_are_found(tmp_path: Path) -> None:
    kept, script = keep(tmp_path, days_ago=1), keep_script(tmp_path, ("One.",))
    index = TakeIndex.read(tmp_path)

    assert index.find(kept.record.stem).record == kept.record.name
    assert index.find(f"{script}.001").audio == f"{script}.001.wav"
    for name in ("", "..", "../x", f"{script}.002", "say_20260130_010101", f"{script}.srt"):
        with pytest.raises(RecordError, match="not there any more"):
            index.find(name)


def test_a_file_in_the_place_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(OutputError, match="file"):
        reader().page(tmp_path / "file", ALL)


def test_two_thousand_takes_are_quick_and_only_what_is_shown_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_many(tmp_path, 2_000)
    num_read = 0
    read = reading._record_bytes

    def counted(path: Path) -> bytes:
        nonlocal num_read
        num_read += 1
        return read(path)

    monkeypatch.setattr(reading, "_record_bytes", counted)
    one = reader()

    started_s = perf_counter()
    assert one.page(tmp_path, ALL, 50).num_matching == 2_000
    assert perf_counter() - started_s < 2.0  # 0.05 on a quiet machine
    assert num_read == 20
    wanted = TakeFilter(words="1234.")
    assert texts(one.page(tmp_path, wanted)) == ["Take 1234."]
    assert texts(one.page(tmp_path, wanted)) == ["Take 1234."]
    assert num_read == 20 + 2_000 + 1 + 1
