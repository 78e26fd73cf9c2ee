"""What a language calls things, for the rules: one table a language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

NARROW_SPACES = "\u00a0\u202f"
"""Spaces that do not break: printers put them into numbers and before units."""


@dataclass(frozen=True, slots=True)
class Noun:
    """A noun that is counted."""

    one: str
    few: str
    """After 2, 3 and 4 in Russian, and after a fraction; elsewhere the plural."""
    many: str
    is_feminine: bool = False


@dataclass(frozen=True, slots=True)
class Money:
    """A currency: whole units and hundredths."""

    major: Noun
    minor: Noun | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Everything that the rules need to know about a language."""

    num2words_name: str
    group_marks: str
    """Characters between groups of three digits."""
    decimal_marks: str
    point: str
    """The word between whole number and fraction."""
    are_decimals_digits: bool
    """Decimals are said one by one; otherwise up to two are a number."""
    minus: str
    plus: str
    to: str
    """Between the ends of a range."""
    months: tuple[str, ...]
    """As they stand in a date."""
    at: str
    dot: str
    slash: str
    money_and: str
    """Between major and minor units."""
    number: str
    """Before "#5"."""
    and_word: str
    halves: Mapping[str, str]
    """Fractions that have a name, such as "1/2"."""
    units: Mapping[str, Noun] = field(default_factory=dict)
    moneys: Mapping[str, Money] = field(default_factory=dict)


def nouns(lines: str) -> dict[str, Noun]:
    """Returns nouns by symbol from lines `symbol other = one | many` or `= one | few | many`.

    A line that ends in ` f` is feminine.
    """
    found: dict[str, Noun] = {}
    for line in lines.strip().splitlines():
        symbols, _, forms = line.partition("=")
        is_feminine = forms.rstrip().endswith("| f")
        words = [form.strip() for form in forms.split("|")]
        words = words[:-1] if is_feminine else words
        one, many = words[0], words[-1]
        few = words[1] if len(words) > 1 else many
        for symbol in symbols.split():
            found[symbol] = Noun(one, few, many, is_feminine)
    return found


def moneys(lines: str) -> dict[str, Money]:
    """Returns currencies by sign and code from pairs of lines: major units, then hundredths."""
    found: dict[str, Money] = {}
    rows = lines.strip().splitlines()
    for major, minor in zip(rows[::2], rows[1::2], strict=True):
        has_minor = not minor.strip().startswith("-")
        small = next(iter(nouns(f"x = {minor.strip()}").values())) if has_minor else None
        found |= {sign: Money(noun, small) for sign, noun in nouns(major).items()}
    return found
