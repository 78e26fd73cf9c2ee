"""Repeats, leaks and the drawing of validation rows."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from intone.train.data.parse_rows import Candidate
from intone.train.data.splits import Heard, drawn, repeat_problems
from intone.train.rows import Split, TrainingRow


def heard(
    text: str,
    *,
    digest: str | None = None,
    split: Split | None = None,
    speaker: str = "anna",
    instruct: str | None = None,
    row_id: str | None = None,
) -> Heard:
    row = TrainingRow(
        id=row_id or f"{speaker}/{text}",
        audio=Path(f"{text}.wav"),
        text=text,
        speaker=speaker,
        instruct=instruct,
        split=split or "train",
    )
    candidate = Candidate(row=row, source={}, has_split=split is not None)
    return Heard(candidate, digest or f"{speaker}/{text}/{instruct}/{row_id}")


def codes(rows: list[Heard], *, allow_repeats: bool = False) -> dict[int, str]:
    problems = repeat_problems(rows, allow_repeats=allow_repeats)
    return {index: code for index, (code, _) in problems.items()}


def test_the_first_of_two_recordings_of_a_sentence_stays() -> None:
    rows = [heard("Hello, you!"), heard("hello you", row_id="b"), heard("Hello", row_id="c")]

    assert codes(rows) == {1: "duplicate_text"}
    assert codes(rows, allow_repeats=True) == {}


def test_the_same_words_in_another_way_or_by_another_speaker_are_no_repeat() -> None:
    rows = [
        heard("Hello"),
        heard("Hello", instruct="whispering"),
        heard("Hello", speaker="ben"),
        heard("Hello", instruct="Whispering", row_id="again"),
    ]

    assert codes(rows) == {3: "duplicate_text"}


def test_the_same_recording_never_stays_twice() -> None:
    rows = [heard("Hello", digest="x"), heard("Other words", digest="x", speaker="ben")]

    assert codes(rows) == {1: "duplicate_audio"}
    assert codes(rows, allow_repeats=True) == {1: "duplicate_audio"}


@pytest.mark.parametrize("allow_repeats", [False, True])
def test_a_training_row_that_repeats_a_validation_row_leaks(allow_repeats: bool) -> None:
    rows = [
        heard("Same words", digest="1", split="train"),
        heard("Same sound", digest="2", split="train"),
        heard("Fine", digest="3", split="train"),
        heard("same words!", digest="4", split="validation", row_id="v1"),
        heard("Another text", digest="2", split="validation", row_id="v2"),
        heard("Fine", digest="5", split="validation", speaker="ben"),
    ]

    problems = repeat_problems(rows, allow_repeats=allow_repeats)

    assert {i: code for i, (code, _) in problems.items()} == {0: "leak", 1: "leak"}
    assert "words of this speaker of validation row v1" in problems[0][1]
    assert "audio of validation row v2" in problems[1][1]


def test_about_the_share_validates_the_same_rows_every_time() -> None:
    rows = [heard(f"Sentence {i}") for i in range(2_000)]

    sides = {row.id: row.split for row in drawn(rows, 0.05)}

    assert 70 <= Counter(sides.values())["validation"] <= 130
    more = [heard(f"New {i}") for i in range(50)] + rows[::-1]
    again = {row.id: row.split for row in drawn(more, 0.05)}
    assert {row_id: again[row_id] for row_id in sides} == sides


def test_all_recordings_of_a_sentence_lie_on_one_side() -> None:
    rows = [
        heard(f"Sentence {i}", instruct=mood, row_id=f"{i}{mood}")
        for i in range(50)
        for mood in ("glad", "sad")
    ]

    sides: dict[str, set[str]] = {}
    for row in drawn(rows, 0.3):
        sides.setdefault(row.text, set()).add(row.split)

    assert all(len(found) == 1 for found in sides.values())
    assert (
        codes(
            [
                heard(r.text, split=r.split, instruct=r.instruct, row_id=r.id)
                for r in drawn(rows, 0.3)
            ]
        )
        == {}
    )


@pytest.mark.parametrize("share", [0.001, 0.999])
def test_at_least_one_validates_and_of_no_speaker_all(share: float) -> None:
    rows = [heard(f"{name} {i}", speaker=name) for name in ("anna", "ben") for i in range(3)]
    rows.append(heard("alone", speaker="carl"))

    found = drawn(rows, share)

    assert any(row.split == "validation" for row in found)
    assert {row.speaker for row in found if row.split == "train"} == {"anna", "ben", "carl"}


def test_one_row_trains() -> None:
    assert [row.split for row in drawn([heard("alone")], 0.05)] == ["train"]


def test_the_sources_own_split_stays() -> None:
    rows = [heard("a", split="validation"), heard("b", split="train"), heard("c")]
    assert [row.split for row in drawn(rows, 0.9)] == ["validation", "train", "train"]

    rows = [heard("a", split="train"), heard("a", instruct="x"), heard("b"), heard("c")]
    found = [row.split for row in drawn(rows, 0.999)]
    assert found[:2] == ["train", "train"]
    assert "validation" in found
