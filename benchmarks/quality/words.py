"""Texts as the words that are compared: numbers spelled out, no case, no punctuation."""

from __future__ import annotations

import re

_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
).split()
_TENS = "_ _ twenty thirty forty fifty sixty seventy eighty ninety".split()


def in_words(number: int) -> str:
    """Returns a number below a million in English words."""
    if number < 20:
        return _UNITS[number]
    if number < 100:
        rest = f" {_UNITS[number % 10]}" if number % 10 else ""
        return _TENS[number // 10] + rest
    size, name = (100, "hundred") if number < 1000 else (1000, "thousand")
    rest = f" {in_words(number % size)}" if number % size else ""
    return f"{in_words(number // size)} {name}{rest}"


def words_of(text: str) -> list[str]:
    """Returns the words of a text as they are compared."""
    text = re.sub(r"\d{1,6}", lambda match: f" {in_words(int(match[0]))} ", text.lower())
    return re.sub(r"[^a-z ]", " ", text.replace("'", "").replace("\u2019", "")).split()
