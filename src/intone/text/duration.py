"""How long a text takes to speak, by its characters alone.

Used to notice takes that run away, reference texts that do not belong to their clip, and to tell
how much is left. People differ by a factor of two, so a text has a range.

The rates are rounded from published counts of speech in many languages: about 14 letters a second
in alphabetic scripts, 4 to 5 Chinese characters, 7 to 8 Japanese morae (Pellegrino, Coupé, Marsico,
"A cross-language perspective on speech information rate", Language 87, 2011, gives syllables).
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

_LETTER_S = 1 / 14
_IDEOGRAPH_S = 1 / 4.5
_KANA_S = 1 / 7.5
_SYLLABLE_BLOCK_S = 1 / 5.5
"""Hangul."""
_DIGIT_S = 0.35
_SYMBOL_S = 0.3
"""%, $, + and their kind are words."""
_STOP_S = 0.35
_COMMA_S = 0.15
_STOPS = frozenset(".!?;:…。！？；：\n")
_COMMAS = frozenset(",、，—–()（）")

_LANGUAGE_FACTOR = {"german": 1.05, "russian": 1.0, "spanish": 0.9, "italian": 0.9}
"""Seconds per letter against English, where the difference is known to be more than a hair."""

_FASTEST = 0.45
_SLOWEST = 2.5
_LEAST_S = 0.2
_BREATH_S = 2.0
"""Silence around a take, whatever its length."""


@dataclass(frozen=True, slots=True)
class Duration:
    """Seconds that a text takes."""

    shortest_s: float
    """Nobody says it quicker."""
    typical_s: float
    longest_s: float
    """Slow and expressive, with pauses and a breath: more is not this text any more."""


def expected_duration(text: str, language: str = "auto") -> Duration:
    """Returns how long `text` takes to speak.

    Args:
        language: a name in English ("german"), any case; "auto" and unknown ones count as English.
    """
    factor = _LANGUAGE_FACTOR.get(language.strip().lower(), 1.0)
    speech_s = sum(_speech_s(character) for character in text) * factor
    pauses_s = _pauses_s(text.strip())
    return Duration(
        shortest_s=max(_LEAST_S, _FASTEST * speech_s),
        typical_s=max(_LEAST_S, speech_s + pauses_s),
        longest_s=_BREATH_S + _SLOWEST * (speech_s + pauses_s),
    )


def _speech_s(character: str) -> float:
    category = unicodedata.category(character)
    if category.startswith("L"):
        return _letter_s(character)
    if category == "Nd":
        return _DIGIT_S
    if category.startswith("N") or category in ("Sc", "Sm", "So") or character in "%&@#§/":
        return _SYMBOL_S
    return 0.0


def _letter_s(character: str) -> float:
    point = ord(character)
    if 0x3040 <= point <= 0x30FF or 0x31F0 <= point <= 0x31FF or 0xFF66 <= point <= 0xFF9D:
        return _KANA_S
    if 0xAC00 <= point <= 0xD7AF:
        return _SYLLABLE_BLOCK_S
    if 0x3400 <= point <= 0x9FFF or 0xF900 <= point <= 0xFAFF or 0x20000 <= point <= 0x3FFFF:
        return _IDEOGRAPH_S
    return _LETTER_S


def _pauses_s(text: str) -> float:
    """Returns the pauses inside; a run of stops ("?!", "...") is one."""
    total_s, was_pause = 0.0, True
    for character in text[:-1]:
        is_stop, is_comma = character in _STOPS, character in _COMMAS
        if (is_stop or is_comma) and not was_pause:
            total_s += _STOP_S if is_stop else _COMMA_S
        if not character.isspace() or is_stop:
            was_pause = is_stop or is_comma
    return total_s
