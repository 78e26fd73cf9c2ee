"""Cuts a sentence that is too long for one take, where it hurts least."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from intone.core.errors import InvalidSettingError
from intone.text.duration import expected_duration
from intone.text.writing import is_unspaced

_CLAUSE_END = re.compile(r"(?:[,;:][)\]\"'”’»]*(?=\s)|[，、；：]|(?<=\s)[—–-](?=\s)|—|…|\n)")
_SPACE = re.compile(r"\s+")
_LEAST_SHARE = 0.3
"""A clause shorter than this share of what fits is no good place: it leaves a scrap."""
_FIRST_GUESS_CHARACTERS = 64


@dataclass(frozen=True, slots=True)
class Budget:
    """How much text one take may hold."""

    seconds: float
    """Of typical speech (`text.duration`)."""
    language: str = "auto"
    characters: int | None = None
    """An upper bound beside the seconds; None is none."""

    def __post_init__(self) -> None:
        if not self.seconds > 0.0:
            raise InvalidSettingError(f"the budget is {self.seconds} s; allowed: more than 0.")
        if self.characters is not None and self.characters < 1:
            raise InvalidSettingError(
                f"the budget is {self.characters} characters; allowed: 1 or more, or none."
            )

    def holds(self, text: str) -> bool:
        """Says whether a text fits."""
        if self.characters is not None and len(text) > self.characters:
            return False
        return expected_duration(text, self.language).typical_s <= self.seconds


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a sentence, without white space around it."""

    start: int
    stop: int
    is_clause: bool
    """It ends behind a comma or its kind."""
    is_last: bool


def cut(sentence: str, budget: Budget) -> Iterator[Part]:
    """Yields the parts of a sentence in order, each of which fits the budget.

    A part is longer than the budget only where a single character is.
    """
    start = 0
    while start < len(sentence):
        stop = _longest(sentence, start, budget)
        if stop >= len(sentence):
            yield Part(start, len(sentence.rstrip()), is_clause=False, is_last=True)
            return
        stop, is_clause = _best_place(sentence, start, stop)
        following = _after_space(sentence, stop)
        is_last = following >= len(sentence)
        yield Part(start, start + len(sentence[start:stop].rstrip()), is_clause, is_last)
        start = following


def _longest(sentence: str, start: int, budget: Budget) -> int:
    """Returns the stop of the longest stretch from `start` that fits; one character at least."""
    length = _FIRST_GUESS_CHARACTERS
    while start + length < len(sentence) and budget.holds(sentence[start : start + length]):
        length *= 2
    fits, too_long = 1, min(length, len(sentence) - start) + 1
    while too_long - fits > 1:
        middle = (fits + too_long) // 2
        if budget.holds(sentence[start : start + middle]):
            fits = middle
        else:
            too_long = middle
    return start + fits


def _best_place(sentence: str, start: int, stop: int) -> tuple[int, bool]:
    """Returns where to cut between `start` and `stop`, and whether a clause ends there."""
    least = start + max(1, int(_LEAST_SHARE * (stop - start)))
    # The character behind `stop` is seen, so that a border that falls exactly there is found.
    clauses = [match.end() for match in _CLAUSE_END.finditer(sentence, start, stop + 1)]
    clause = next((end for end in reversed(clauses) if least <= end <= stop), None)
    if clause is not None:
        return clause, True
    spaces = [match.start() for match in _SPACE.finditer(sentence, start, stop + 1)]
    space = next((end for end in reversed(spaces) if least <= end <= stop), None)
    if space is not None and not _is_unspaced_at(sentence, stop):
        return space, False
    return _between_characters(sentence, start, stop), False


def _is_unspaced_at(sentence: str, stop: int) -> bool:
    return is_unspaced(sentence[stop - 1]) and is_unspaced(sentence[stop])


def _between_characters(sentence: str, start: int, stop: int) -> int:
    """Returns the last place up to `stop` that parts no mark from what it belongs to."""
    for place in range(stop, start, -1):
        if unicodedata.category(sentence[place])[0] not in "MP":
            return place
    return stop


def _after_space(sentence: str, place: int) -> int:
    match = _SPACE.match(sentence, place)
    return place if match is None else match.end()
