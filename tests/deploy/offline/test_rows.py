"""Rows: what a line may say, and that all that is wrong is told at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.deploy.offline.sets import read_rows, write_rows

from intone.core.errors import TextFileError
from intone.core.seeds import derived_seed
from intone.core.types import SamplingOverrides


def test_a_row_says_what_the_library_takes_in_its_words(tmp_path: Path) -> None:
    said = {
        "id": "a/1",
        "text": "It is cold.",
        "voice": "ava",
        "instruct": "softly",
        "language": "english",
        "seed": 5,
        "temperature": 0.5,
        "top_k": 10,
        "top_p": 1,
        "repetition_penalty": 1.1,
        "greedy": False,
        "max_frames": 40,
        "text_layout": "per_frame",
        "guard": False,
        "speed": 1.5,
    }
    row = read_rows(write_rows(tmp_path / "set.jsonl", [said])).rows[0]
    request = row.request
    assert (row.id, row.line, row.text) == ("a/1", 1, "It is cold.")
    assert (request.voice, request.instruct, request.language) == ("ava", "softly", "english")
    assert (request.seed, request.max_frames, request.speed) == (5, 40, 1.5)
    assert (request.text_layout, request.guard) == ("per_frame", False)
    assert request.sampling == SamplingOverrides(
        temperature=0.5, top_k=10, top_p=1, repetition_penalty=1.1, greedy=False
    )


def test_what_a_row_leaves_open_is_the_commands(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "set.jsonl", [{"text": "One."}, {"text": "Two.", "voice": "ava"}])
    one, two = read_rows(path, defaults={"voice": "fenrir", "speed": 1.2, "seed": 9}).rows
    assert (one.request.voice, two.request.voice) == ("fenrir", "ava")
    assert (one.request.speed, two.request.speed) == (1.2, 1.2)
    assert one.seed != two.seed


def test_an_id_is_the_lines_number_where_there_is_none_and_a_number_is_text(tmp_path: Path) -> None:
    path = write_rows(
        tmp_path / "set.jsonl",
        [{"text": "One."}, "", {"text": "Two."}, '{"id": 7, "text": "Three."}'],
    )
    assert [(row.id, row.line) for row in read_rows(path).rows] == [("1", 1), ("3", 3), ("7", 4)]


def test_a_missing_seed_follows_from_the_sets_seed_and_the_id_alone(tmp_path: Path) -> None:
    path = write_rows(
        tmp_path / "set.jsonl", [{"id": "b", "text": "Two."}, {"id": "a", "text": "One."}]
    )
    seeds = {row.id: row.seed for row in read_rows(path, seed=3).rows}
    assert seeds == {"a": derived_seed(3, "a"), "b": derived_seed(3, "b")}
    assert {row.id: row.seed for row in read_rows(path, seed=4).rows} != seeds


def test_what_is_spoken_is_read_out_and_what_was_written_is_kept(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "set.jsonl", [{"text": "It is  5."}])
    row = read_rows(path, read_aloud=lambda text, language: text.replace("5", "five")).rows[0]
    assert (row.text, row.request.text) == ("It is  5.", "It is five.")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", "not JSON"),
        ('["text"]', "one JSON object a line"),
        ('{"text": "a", "txet": 1}', "unknown field 'txet'; known: id, text, voice"),
        ('{"text": "a", "text": "b"}', "field 'text' is there twice"),
        ('{"text": 5}', "text is 5; allowed: text"),
        ('{"text": "a", "seed": true}', "seed is True; allowed: a whole number"),
        ('{"text": "a", "seed": -1}', "seed is -1"),
        ('{"text": "a", "speed": 3}', "speed is 3"),
        ('{"text": "a", "temperature": NaN}', "NaN is no number"),
        ('{"text": "a", "text_layout": "sideways"}', "allowed: at_once, per_frame"),
        ('{"text": "a", "id": " "}', "id is ' '"),
        ('{"id": "x"}', "text is empty"),
        ('{"text": "..."}', "no word to speak"),
        ('{"text": "a", "voice": "nobody"}', "voice 'nobody' is unknown"),
        ('{"text": "\\ud800"}', "half a character"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_a_bad_line_is_told_with_its_number(line: str, words: str, tmp_path: Path) -> None:
    found = read_rows(write_rows(tmp_path / "set.jsonl", [{"text": "Good."}, line]))
    assert [row.line for row in found.rows] == [1]
    assert [bad.line for bad in found.bad] == [2]
    assert words in str(found.bad[0])
    assert str(found.bad[0]).startswith("line 2: ")


def test_every_bad_line_is_told_and_ids_are_used_once(tmp_path: Path) -> None:
    rows = [{"id": "a", "text": "One."}, {"txt": "x"}, {"id": "a", "text": "Two."}, {"text": ""}]
    found = read_rows(write_rows(tmp_path / "set.jsonl", rows))
    assert [bad.line for bad in found.bad] == [2, 3, 4]
    assert "that of line 1 too" in found.bad[1].reason


def test_characters_that_other_lines_end_with_stay_inside_a_row(tmp_path: Path) -> None:
    path = tmp_path / "set.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"text": "One.\xe2\x80\xa8Two."}\r\n{"text": "\xff"}\n')
    found = read_rows(path)
    assert [row.text for row in found.rows] == ["One.\u2028Two."]
    assert "UTF-8" in found.bad[0].reason


def test_a_file_without_a_row_or_without_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TextFileError, match="holds no row"):
        read_rows(write_rows(tmp_path / "set.jsonl", ["", " "]))
    with pytest.raises(TextFileError, match="cannot be read"):
        read_rows(tmp_path / "other.jsonl")
