"""What is to be drawn, from the fields of the page; each refusal knows its field."""

from __future__ import annotations

from secrets import randbits
from typing import Literal

from intone.core.errors import EmptyTextError, InvalidSettingError, TextTooLongError
from intone.core.types import MAX_SEED, Capabilities
from intone.render.rounds import RoundOrder
from intone.voices.reading import checked_language

Field = Literal["description", "text", "language", "seed", "count"]

MAX_CANDIDATES = 8
"""On one page, side by side."""
MAX_CHARACTERS = 2_000
_SEED_BITS = 32
_SEED_DIGITS = len(str(MAX_SEED))


def check_description(description: str) -> str:
    """Returns a description without white space around it; raises InvalidSettingError."""
    words = description.strip()
    if not words:
        raise InvalidSettingError("nobody is described yet; say who speaks, in a sentence.")
    if len(words) > MAX_CHARACTERS:
        raise InvalidSettingError(
            f"the description has {len(words):,} characters; allowed: up to {MAX_CHARACTERS:,}."
        )
    return words


def check_text(text: str) -> str:
    """Returns what is to be said; raises EmptyTextError or TextTooLongError."""
    words = text.strip()
    if not words:
        raise EmptyTextError("there is nothing to say yet; give a sentence or two.")
    if len(words) > MAX_CHARACTERS:
        raise TextTooLongError(
            f"the text has {len(words):,} characters; allowed: up to {MAX_CHARACTERS:,}. 5 to 10 "
            "seconds serve best: two sentences."
        )
    return words


def check_seed(seed: str) -> int:
    """Returns a seed; an empty field draws one. Raises InvalidSettingError."""
    word = seed.strip()
    if not word:
        return randbits(_SEED_BITS)
    is_number = word.isascii() and word.isdecimal() and len(word) <= _SEED_DIGITS
    if not is_number or int(word) > MAX_SEED:
        raise InvalidSettingError(
            f"seed is {word!r:.40}; allowed: a whole number from 0 to {MAX_SEED}, or nothing for a "
            "new one."
        )
    return int(word)


def check_count(count: float) -> int:
    """Returns how many are drawn; raises InvalidSettingError."""
    if count != int(count) or not 1 <= count <= MAX_CANDIDATES:
        raise InvalidSettingError(
            f"the number of voices is {count:g}; allowed: 1 to {MAX_CANDIDATES}."
        )
    return int(count)


def round_order(
    *, description: str, text: str, language: str, count: float, seed: str, can: Capabilities
) -> RoundOrder:
    """Returns the order of a round.

    Args:
        can: of the model that draws.

    Raises:
        RequestError: something cannot be drawn as it is given.
    """
    return RoundOrder(
        description=check_description(description),
        text=check_text(text),
        language=checked_language(language, can),
        count=check_count(count),
        seed=check_seed(seed),
    )
