"""Text as it is spoken: a user's words first, then numbers, dates, money, units and addresses.

What was settled before (`[say:…]`, then the lexicon) is not touched again. The result says what
was changed and, where nothing could be done, why.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal, Protocol

from intone.core.errors import MissingDependencyError
from intone.text.guessing import guess_language
from intone.text.languages import find_language, known_languages
from intone.text.lexicon import Lexicon
from intone.text.rewriting import Rewriting
from intone.text.script import FixedSpan
from intone.text.writing import is_unspaced

Spelling = Literal["on", "auto", "off"]
"""on: figures are written out, or it is an error. auto: where the packages are. off: never."""

_FIGURES = re.compile(r"[\d%½⅓⅔¼¾&]|://|@|www\.")
"""What a rule could change: a text without any of these is done."""
_WHITE_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Change:
    """One place that is said otherwise than it is written."""

    written: str
    spoken: str


@dataclass(frozen=True, slots=True)
class SpokenText:
    """A text as it is said."""

    text: str
    """With single spaces, whatever white space there was."""
    changes: tuple[Change, ...]
    """In order."""
    note: str | None = None
    """Why figures were left as they are; None where nothing was left undone."""


class Rules(Protocol):
    """Writes figures out in one language."""

    def apply(self, rewriting: Rewriting) -> Rewriting:
        """Returns a text with what it knows replaced, and settled."""
        ...


def spoken_text(
    text: str,
    language: str = "auto",
    *,
    spelling: Spelling = "auto",
    lexicon: Lexicon | None = None,
    fixed: Sequence[FixedSpan] = (),
) -> SpokenText:
    """Returns a text as it is said.

    Args:
        text: what is written.
        language: a name or a code of the ten; "auto" is guessed from the text, where that is
            plain.
        spelling: whether figures are written out.
        lexicon: a user's words; they are used whatever `spelling` says.
        fixed: spans of `text` that are settled, in order.

    Raises:
        MissingDependencyError: spelling is "on", and the package of the language is missing.
    """
    name = find_language(language)
    if name is None or name == "auto":
        name = guess_language(text)
    rewriting = Rewriting(text, tuple(fixed))
    if lexicon is not None:
        rewriting = lexicon.apply(rewriting, name or "auto")
    note = None
    if spelling != "off" and any(
        _FIGURES.search(rewriting.text, start, stop) for start, stop in rewriting.gaps()
    ):
        rewriting, note = _written_out(rewriting, name, spelling)
    changes = tuple(
        Change(span.written, rewriting.text[span.start : span.stop]) for span in rewriting.fixed
    )
    return SpokenText(single_spaced(rewriting.text), changes, note)


def single_spaced(text: str) -> str:
    """Returns a text on one line: a space for white space, none where a script has none."""

    def space(match: re.Match[str]) -> str:
        before, after = text[match.start() - 1], text[match.end()]
        is_wrapped = "\n" in match[0] and is_unspaced(before) and is_unspaced(after)
        return "" if is_wrapped else " "

    text = text.strip()
    return _WHITE_SPACE.sub(space, text)


def _written_out(
    rewriting: Rewriting, name: str | None, spelling: Spelling
) -> tuple[Rewriting, str | None]:
    """Returns the text with its figures written out, or as it is and why."""
    if name is None:
        return rewriting, (
            "the text does not show its language, so its figures stay as they are; "
            f"name the language: {known_languages()}."
        )
    try:
        rules = _rules(name)
    except MissingDependencyError as error:
        if spelling == "on":
            raise
        return rewriting, str(error)
    return rules.apply(rewriting), None


@cache
def _rules(name: str) -> Rules:
    """Returns the rules of a language; they are loaded once."""
    from intone.text.normalise import east_asian, eastern, germanic, romance
    from intone.text.normalise.rules import SpokenRules

    if name in east_asian.LANGUAGES:
        return east_asian.EastAsianRules(name)
    return SpokenRules(name, {**germanic.TABLES, **romance.TABLES, **eastern.TABLES}[name])
