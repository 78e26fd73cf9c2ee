"""Spelling and sounds, aligned."""

from __future__ import annotations

import pytest

from intone.train.from_scratch.letters import Letters

WORDS = [
    ("night", "nIt"), ("knight", "nIt"), ("light", "lIt"), ("fight", "fIt"), ("knit", "nɪt"),
    ("fit", "fɪt"), ("lit", "lɪt"), ("net", "nɛt"), ("next", "nɛkst"), ("text", "tɛkst"),
    ("of", "ʌv"), ("the", "ðə"), ("in", "ɪn"), ("tent", "tɛnt"), ("then", "ðɛn"), ("fix", "fɪks"),
]  # fmt: skip


@pytest.fixture(scope="module")
def letters() -> Letters:
    return Letters(WORDS)


@pytest.mark.parametrize(("word", "sounds"), WORDS)
def test_every_sound_is_said_by_some_letter(letters: Letters, word: str, sounds: str) -> None:
    numbers = letters.align(word, sounds)

    assert len(numbers) == len(word)
    assert sum(numbers) == len(sounds)


def test_silent_letters_and_letters_of_two_sounds_are_found(letters: Letters) -> None:
    numbers = letters.align("night", "nIt")
    assert (numbers[0], numbers[-1], numbers.count(0)) == (1, 1, 2)
    assert letters.align("next", "nɛkst")[2] == 2


def test_words_that_the_phonemes_run_together_are_found(letters: Letters) -> None:
    said = ["lɪt", "ʌvðə", "nIt"]

    assert letters.group(["lit", "of", "the", "night"], said) == [1, 2, 1]


def test_more_groups_than_words_have_no_division(letters: Letters) -> None:
    assert letters.group(["night"], ["nI", "t"]) == []
