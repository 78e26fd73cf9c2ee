"""`rows.jsonl`: what is written is read, and a foreign line is named."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from intone.core.errors import DatasetError
from intone.train.rows import TrainingRow, read_rows, write_rows


def row(folder: Path) -> TrainingRow:
    return TrainingRow(id="a.csv:2", audio=folder / "clips" / "a.wav", text="Grüße\u2028aus “Köln”")


def test_every_field_survives(tmp_path: Path) -> None:
    full = replace(
        row(tmp_path),
        speaker="anna",
        language="german",
        instruct="whispering",
        ref_audio=tmp_path / "ref.wav",
        ref_text="Hallo.",
        start_s=0.25,
        end_s=2.5,
        split="validation",
    )
    rows = [replace(row(tmp_path), id="first"), full]

    assert write_rows(tmp_path / "rows.jsonl", rows) == 2

    assert read_rows(tmp_path / "rows.jsonl") == rows
    assert read_rows(tmp_path) == rows


def test_a_dataset_can_be_moved_with_its_clips(tmp_path: Path) -> None:
    outside = replace(row(tmp_path / "old"), id="outside", audio=tmp_path / "elsewhere.wav")
    write_rows(tmp_path / "old" / "rows.jsonl", [row(tmp_path / "old"), outside])

    (tmp_path / "old").rename(tmp_path / "new")

    moved = read_rows(tmp_path / "new")
    assert moved[0].audio == tmp_path / "new" / "clips" / "a.wav"
    assert moved[1].audio == tmp_path / "elsewhere.wav"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"audio": 3}, "audio 3, not a string"),
        ({"mood": "glad"}, r"unknown fields \['mood'\]"),
        ({"text": None}, "text None, not a string"),
        ({"start_s": "1"}, "start_s '1', not a number"),
        ({"end_s": True}, "end_s True, not a number"),
        ({"split": "test"}, "split 'test', not one of train, validation"),
    ],
)
def test_a_foreign_row_is_named_with_its_line(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    good = {"id": "1", "audio": "a.wav", "text": "x"}
    lines = [json.dumps(good), json.dumps(good | {"id": "2"} | changes)]
    (tmp_path / "rows.jsonl").write_text("\n".join(lines))

    with pytest.raises(DatasetError, match=rf"rows\.jsonl:2 has .*{message}"):
        read_rows(tmp_path)


@pytest.mark.parametrize("line", ['{"id": "1", "aud', "[]", '{"id": "1", "text": "x"}'])
def test_a_line_that_is_no_row_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "rows.jsonl").write_text(line)

    with pytest.raises(DatasetError, match=r"rows\.jsonl:1 "):
        read_rows(tmp_path)


def test_two_rows_of_one_id_are_refused(tmp_path: Path) -> None:
    write_rows(tmp_path / "rows.jsonl", [row(tmp_path), row(tmp_path)])

    with pytest.raises(DatasetError, match=r"two rows with the id 'a\.csv:2'"):
        read_rows(tmp_path)


def test_a_dataset_that_was_not_checked_says_how(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="intone train check SOURCE --out"):
        read_rows(tmp_path)
