"""What stands between two brackets, read as a tag.

Known commands mean the same in both modes, in any case of letters. What else is in brackets is a
directive or a mood in a script, and words to be read in `say`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from intone.core.errors import MarkupError
from intone.core.types import MAX_SPEED, MIN_SPEED
from intone.text.languages import find_language, known_languages
from intone.text.script import Position

MarkupMode = Literal["script", "say"]
"""script: every bracket is a tag. say: known commands alone are."""

PAUSE_S = 0.8
"""`[Pause]`: the length that founding document 001's studio gives it."""
BREAK_S = 0.4
"""`[break]`: a sentence's gap in the same studio."""
MAX_PAUSE_S = 60.0


@dataclass(frozen=True, slots=True)
class Mood:
    """How it is said, until the next mood."""

    name: str


@dataclass(frozen=True, slots=True)
class Directive:
    """`[key: value]` with a key that is no command."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Pause:
    """Silence at this place."""

    duration_s: float


@dataclass(frozen=True, slots=True)
class UseVoice:
    """Who speaks from here on."""

    name: str


@dataclass(frozen=True, slots=True)
class Rate:
    """How fast from here on."""

    factor: float


@dataclass(frozen=True, slots=True)
class UseLanguage:
    """The language from here on, by name."""

    name: str


@dataclass(frozen=True, slots=True)
class Say:
    """Written one way, said another."""

    written: str
    spoken: str


@dataclass(frozen=True, slots=True)
class Reset:
    """Back to how the script, or the speech, began."""


Tag = Mood | Directive | Pause | UseVoice | Rate | UseLanguage | Say | Reset

_DURATION = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*(ms|s|sec|seconds?)?", re.IGNORECASE)
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]*)?|\.[0-9]+")
_BARE_PAUSE = re.compile(r"(pause|break)\s+(.+)", re.IGNORECASE)
_ALONE: Mapping[str, Tag] = {"pause": Pause(PAUSE_S), "break": Pause(BREAK_S), "reset": Reset()}


def read_tag(inside: str, position: Position, mode: MarkupMode) -> Tag | None:
    """Returns the tag that the inside of a bracket is; None when `say` reads it as words.

    Args:
        inside: what stands between the brackets, on one line, escapes already resolved.
        position: of the opening bracket.

    Raises:
        MarkupError: a known command with a value that it cannot take; in a script also an empty
            bracket, and a command without the value that it needs.
    """
    before, colon, value = inside.partition(":")
    key, value = before.strip().lower(), value.strip()
    if colon and key in _WITH_VALUE:
        return _WITH_VALUE[key](value, position)
    if not colon and key in _ALONE:
        return _ALONE[key]
    if bare := _BARE_PAUSE.fullmatch(inside.strip()):
        if mode == "script" or _DURATION.fullmatch(bare[2]):
            return _pause(bare[2], position)
    return _script_tag(inside, position) if mode == "script" else None


def markup_error(message: str, position: Position) -> MarkupError:
    """Returns the error of a place."""
    return MarkupError(message, line=position.line, column=position.column)


def _script_tag(inside: str, position: Position) -> Tag:
    before, colon, value = inside.partition(":")
    key, value = " ".join(before.split()).lower(), " ".join(value.split())
    if not inside.strip():
        raise markup_error(
            f"[{inside}] is empty; name a mood, such as [Calm], or write \\[{inside}\\].", position
        )
    if key == "reset":
        raise markup_error(f"[{inside}] takes no value; write [reset].", position)
    if not colon and key in _WITH_VALUE:
        raise markup_error(f"[{inside}] needs a value; write [{key}: …].", position)
    if not colon:
        return Mood(" ".join(inside.split()))
    if not key or not value:
        missing = "value" if key else "key"
        raise markup_error(f"[{inside}] has no {missing}; write [key: value].", position)
    return Directive(key, value)


def _pause(value: str, position: Position) -> Pause:
    match = _DURATION.fullmatch(value)
    unit_s = 0.001 if match and (match[2] or "").lower() == "ms" else 1.0
    duration_s = float(match[1]) * unit_s if match else 0.0
    if not 0.0 < duration_s <= MAX_PAUSE_S:
        raise markup_error(
            f"the pause is {value!r}; allowed: more than 0 and at most {MAX_PAUSE_S:.0f} s, "
            "such as 1.5s, 800 ms or 3 (seconds).",
            position,
        )
    return Pause(duration_s)


def _voice(value: str, position: Position) -> UseVoice:
    if not value:
        raise markup_error("[voice:] names no voice; write [voice: NAME].", position)
    return UseVoice(value)


def _rate(value: str, position: Position) -> Rate:
    factor = float(value) if _NUMBER.fullmatch(value) else 0.0
    if not MIN_SPEED <= factor <= MAX_SPEED:
        raise markup_error(
            f"the rate is {value!r}; allowed: {MIN_SPEED} to {MAX_SPEED}, such as 1.1.", position
        )
    return Rate(factor)


def _language(value: str, position: Position) -> UseLanguage:
    name = find_language(value)
    if name is None:
        raise markup_error(
            f"the language {value!r} is unknown; allowed: {known_languages()}.", position
        )
    return UseLanguage(name)


def _say(value: str, position: Position) -> Say:
    written, bar, spoken = (part.strip() for part in value.partition("|"))
    if not written or not spoken or "|" in spoken:
        raise markup_error(
            f"[say: {value}] needs two forms; write [say: WRITTEN|SPOKEN], as in [say: GIF|jiff].",
            position,
        )
    return Say(written, spoken)


_WITH_VALUE: Mapping[str, Callable[[str, Position], Tag]] = {
    "pause": _pause,
    "break": _pause,
    "voice": _voice,
    "rate": _rate,
    "lang": _language,
    "language": _language,
    "say": _say,
}
