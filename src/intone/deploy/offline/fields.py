"""One row of a set as it is written: a JSON object in the words of the library and its commands."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, get_args

from intone.core.errors import InvalidSettingError
from intone.core.speak_options import SpeakOptions
from intone.core.types import TextLayout

MAX_ID_CHARACTERS = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFields:
    """What a row may say; None is left to the command's options."""

    id: str | None = None
    """None is the number of its line."""
    text: str | None = None
    voice: str | None = None
    """A preset or a kept voice, by name."""
    instruct: str | None = None
    language: str | None = None
    seed: int | None = None
    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    repetition_penalty: float | None = None
    greedy: bool | None = None
    max_frames: int | None = None
    text_layout: TextLayout | None = None
    guard: bool | None = None
    speed: float | None = None

    def over(self, defaults: SpeakOptions) -> SpeakOptions:
        """Returns the keywords of a request: this row's, where it says nothing the defaults."""
        options = defaults.copy()
        if self.voice is not None:
            options["voice"] = self.voice
        if self.instruct is not None:
            options["instruct"] = self.instruct or None
        if self.language is not None:
            options["language"] = self.language
        if self.guard is not None:
            options["guard"] = self.guard
        if self.speed is not None:
            options["speed"] = self.speed
        if self.text_layout is not None:
            options["text_layout"] = self.text_layout
        if self.max_frames is not None:
            options["max_frames"] = self.max_frames
        return self._sampling_over(options)

    def _sampling_over(self, options: SpeakOptions) -> SpeakOptions:
        if self.seed is not None:
            options["seed"] = self.seed
        if self.temperature is not None:
            options["temperature"] = self.temperature
        if self.top_k is not None:
            options["top_k"] = self.top_k
        if self.top_p is not None:
            options["top_p"] = self.top_p
        if self.repetition_penalty is not None:
            options["repetition_penalty"] = self.repetition_penalty
        if self.greedy is not None:
            options["greedy"] = self.greedy
        return options


FIELD_NAMES = tuple(field.name for field in fields(RowFields))

_KINDS: Mapping[str, tuple[type, ...]] = {
    "id": (str, int),
    "seed": (int,),
    "top_k": (int,),
    "max_frames": (int,),
    "temperature": (int, float),
    "top_p": (int, float),
    "repetition_penalty": (int, float),
    "speed": (int, float),
    "greedy": (bool,),
    "guard": (bool,),
}
"""JSON types of a field; those that are not named here are text."""


def row_fields(line: str) -> RowFields:
    """Returns what a line says.

    Raises:
        InvalidSettingError: not one JSON object, an unknown or repeated field, or one of another
            type.
    """
    try:
        data = json.loads(line, object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise InvalidSettingError(f"it is not JSON ({error}); give one object a line.") from error
    if not isinstance(data, dict):
        raise InvalidSettingError(f"it is {line!r:.40}; give one JSON object a line.")
    unknown = [name for name in data if name not in FIELD_NAMES]
    if unknown:
        raise InvalidSettingError(
            f"unknown field {', '.join(map(repr, unknown))}; known: {', '.join(FIELD_NAMES)}."
        )
    return RowFields(**{name: _value(name, value) for name, value in data.items()})


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidSettingError(f"field {twice!r} is there twice; give it once.")
    return data


def _no_number(word: str) -> float:
    raise InvalidSettingError(f"{word} is no number; leave the field out for its default.")


def _value(name: str, value: Any) -> Any:
    if value is None:
        return None
    kinds = _KINDS.get(name, (str,))
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        wanted = " or ".join(_WORDS[kind] for kind in kinds)
        raise InvalidSettingError(f"{name} is {value!r:.80}; allowed: {wanted}.")
    if name == "id":
        return _id(str(value))
    if name == "text_layout" and value not in get_args(TextLayout):
        raise InvalidSettingError(
            f"text_layout is {value!r:.40}; allowed: {', '.join(get_args(TextLayout))}."
        )
    if isinstance(value, str) and any("\ud800" <= character <= "\udfff" for character in value):
        raise InvalidSettingError(f"{name} holds half a character (a lone surrogate).")
    return value


_WORDS: Mapping[type, str] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
}


def _id(value: str) -> str:
    if not value.strip() or len(value) > MAX_ID_CHARACTERS:
        raise InvalidSettingError(
            f"id is {value!r:.40}; allowed: 1 to {MAX_ID_CHARACTERS} characters."
        )
    return value
