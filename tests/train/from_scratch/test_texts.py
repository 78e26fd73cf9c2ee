"""Sentences to learn from."""

from __future__ import annotations

import random

import pytest

from intone.train.from_scratch.templates import Templates, in_words
from intone.train.from_scratch.texts import HeldOut, cleaned


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("the dog barked", "The dog barked."),
        ("Was it you; or he?", "Was it you, or he?"),
        ("A (rather long) day", "A day."),
        ("It\u2019s fine", "It's fine."),
        ("In 1999 it rained", None),
        ("The NATO summit", None),
        ("Alone", None),
    ],
)
def test_lines_become_what_the_voice_reads_or_nothing(line: str, expected: str | None) -> None:
    assert cleaned(line) == expected


def test_held_out_runs_of_words_are_recognised_in_any_spelling() -> None:
    held_out = HeldOut(["Could you tell me where the pharmacy is?", "Good night."])

    assert held_out.shares("He asked: could you tell me, WHERE they went?")
    assert held_out.shares("Good night!")
    assert not held_out.shares("Could you tell them where the pharmacy is?")


def test_templates_leave_no_slot_open_and_no_digit() -> None:
    made = Templates(random.Random(1), ["river"] * 2000, ["Anna"])

    for line in made.sentences(500):
        assert not set(line) & set("{}0123456789")


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (7, "seven"),
        (42, "forty two"),
        (300, "three hundred"),
        (12_045, "twelve thousand forty five"),
    ],
)
def test_numbers_are_spelt_out(number: int, words: str) -> None:
    assert in_words(number) == words
