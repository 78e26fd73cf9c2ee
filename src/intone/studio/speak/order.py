"""What the Speak tab was asked for: its fields, read once, each with its own error.

The page sends them as JSON, as Gradio has them: numbers may come as text, and nothing as null.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from intone.core.errors import IntoneError, RequestError
from intone.core.types import MAX_SEED, MAX_SPEED, MIN_SPEED, SamplingOverrides
from intone.text.languages import find_language, known_languages

FieldName = Literal["text", "voice", "language", "instruct", "seed", "speed", "advanced", "model"]
"""Where on the page a message belongs; "model" is below the button."""

AUTOMATIC_CHUNK = 0
"""Of the slider: the ramp 1, 2, 4, 8."""
MAX_CHUNK_FRAMES = 12


class FieldError(RequestError):
    """A field of the page cannot be used as it is."""

    def __init__(self, field: FieldName, message: str) -> None:
        super().__init__(message)
        self.field: FieldName = field


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeakOrder:
    """The fields, checked as far as they tell by themselves."""

    text: str
    voice: str | None
    """None is the model's own first voice."""
    language: str
    instruct: str | None
    seed: int | None
    """None draws one."""
    speed: float
    streams: bool
    chunk_frames: int | None
    """None is the ramp."""
    sampling: SamplingOverrides

    @classmethod
    def of(cls, fields: Mapping[str, object], limit_characters: int) -> SpeakOrder:
        """Returns the order of a page; raises FieldError for the first field that is wrong."""
        return cls(
            text=_text(fields.get("text"), limit_characters),
            voice=_words(fields.get("voice")),
            language=_language(_words(fields.get("language")) or "auto"),
            instruct=_words(fields.get("instruct")),
            seed=_seed(fields.get("seed")),
            speed=_speed(fields.get("speed")),
            streams=fields.get("streams") is not False,
            chunk_frames=_chunk(fields.get("chunk")),
            sampling=_sampling(fields),
        )


def _words(value: object) -> str | None:
    return value.strip() or None if isinstance(value, str) else None


def _text(value: object, limit: int) -> str:
    text = value if isinstance(value, str) else ""
    if not any(character.isalnum() for character in text):
        raise FieldError("text", "there is nothing to say yet; write at least one word.")
    if len(text) > limit:
        raise FieldError(
            "text",
            f"the text has {len(text):,} characters; at once go {limit:,}. Long text reads books "
            "in the background.",
        )
    return text


def _language(given: str) -> str:
    found = find_language(given)
    if found is None:
        raise FieldError(
            "language", f"language {given!r:.40} is unknown; there are: {known_languages()}."
        )
    return found


def _seed(value: object) -> int | None:
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    words = str(value).strip()
    if not words.isascii() or not words.isdigit() or int(words[:20]) > MAX_SEED or len(words) > 19:
        raise FieldError(
            "seed", f"seed is {words!r:.40}; allowed: 0 to {MAX_SEED}, or nothing for a new one."
        )
    return int(words)


def _speed(value: object) -> float:
    speed = _number("speed", "speed", value)
    if speed is None:
        return 1.0
    if not MIN_SPEED <= speed <= MAX_SPEED:
        raise FieldError("speed", f"speed is {speed:g}; allowed: {MIN_SPEED:g} to {MAX_SPEED:g}.")
    return speed


def _chunk(value: object) -> int | None:
    frames = _number("advanced", "chunk size", value)
    if frames is None or frames == AUTOMATIC_CHUNK:
        return None
    if not 1 <= frames <= MAX_CHUNK_FRAMES or frames != int(frames):
        raise FieldError(
            "advanced",
            f"chunk size is {frames:g} frames; allowed: 1 to {MAX_CHUNK_FRAMES}, or "
            f"{AUTOMATIC_CHUNK} for automatic.",
        )
    return int(frames)


def _sampling(fields: Mapping[str, object]) -> SamplingOverrides:
    """Returns what differs from the model's own settings; the ranges are `SamplingParams`'s."""
    top_k = _number("advanced", "top-k", fields.get("top_k"))
    if top_k is not None and (top_k < 0 or top_k != int(top_k)):
        raise FieldError("advanced", f"top-k is {top_k:g}; allowed: 0 (all) or a whole number.")
    return SamplingOverrides(
        temperature=_number("advanced", "temperature", fields.get("temperature")),
        top_k=None if top_k is None else int(top_k),
        repetition_penalty=_number(
            "advanced", "repetition penalty", fields.get("repetition_penalty")
        ),
        greedy=True if fields.get("greedy") is True else None,
    )


def _number(field: FieldName, name: str, value: object) -> float | None:
    if value is None or value == "" or isinstance(value, bool):
        return None
    try:
        number = float(value) if isinstance(value, int | float | str) else math.nan
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise FieldError(field, f"{name} is {value!r:.40}; give a number, or leave it empty.")
    return number


def field_of(error: IntoneError) -> FieldName:
    """Returns the field that an error belongs to, whoever raised it."""
    if isinstance(error, FieldError):
        return error.field
    return _FIELD_OF.get(type(error).__name__, "model")


_FIELD_OF: Mapping[str, FieldName] = {
    "EmptyTextError": "text",
    "TextTooLongError": "text",
    "MarkupError": "text",
    "UnknownVoiceError": "voice",
    "VoiceFileError": "voice",
    "UnsupportedModeError": "voice",
    "ModelNotFoundError": "voice",
    "UnknownLanguageError": "language",
}
