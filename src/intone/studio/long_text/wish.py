"""What the fields of the Long text tab ask for, checked as far as they tell by themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from intone.core.errors import (
    IntoneError,
    InvalidSettingError,
    ModelError,
    UnknownVoiceError,
    UnsupportedModeError,
)
from intone.core.types import MAX_SPEED, MIN_SPEED
from intone.studio.desk import Desk, JobFormat, JobWish
from intone.studio.long_text.outline import Document, Outline

FORMATS: tuple[tuple[str, JobFormat], ...] = (
    ("wav: whole, large", "wav"),
    ("mp3: plays everywhere", "mp3"),
    ("flac: whole, half as large", "flac"),
    ("ogg: small", "ogg"),
)
LOUDNESS: tuple[tuple[str, str], ...] = (
    ("As it is spoken", ""),
    ("-16 LUFS, podcasts", "-16"),
    ("-19 LUFS, audiobooks", "-19"),
    ("-23 LUFS, broadcast", "-23"),
)

FieldName = Literal["text", "voice", "speed", "start"]
"""Where on the page a message belongs; "start" is below the button."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WishFields:
    """The fields as the page has them."""

    voice: str | None
    language: str | None
    format: JobFormat
    is_one_file: bool
    loudness: str | None
    speed: float


def wish_of(document: Document, fields: WishFields, title: str, desk: Desk) -> JobWish:
    """Returns what a job is asked for; may read files.

    Args:
        title: of the outline; names the files.

    Raises:
        UnknownVoiceError, ModelNotFoundError: nobody here speaks with that voice.
        InvalidSettingError: a value is outside its range.
    """
    if not MIN_SPEED <= fields.speed <= MAX_SPEED:
        raise InvalidSettingError(
            f"speed is {fields.speed!r}; allowed: {MIN_SPEED} to {MAX_SPEED}."
        )
    voice = (fields.voice or "").strip() or None
    return JobWish(
        kind="book",
        source=document.file_name,
        title=title[:200] or document.title,
        model=desk.models.for_voice(voice),
        voice=voice or _first_voice(desk),
        language=fields.language or "auto",
        speed=fields.speed,
        format=fields.format,
        one_file=fields.is_one_file,
        loudness_lufs=float(fields.loudness) if fields.loudness else None,
    )


def language_hint(outline: Outline, wish: JobWish, desk: Desk) -> str | None:
    """Returns a warning where the text is in a language that the model does not speak."""
    can = desk.models.describe(wish.model)
    spoken = [name for name in can.languages if name != "auto"]
    if outline.language is None or outline.language in spoken or wish.language != "auto":
        return None
    return (
        f"the text seems to be in {outline.language.capitalize()}, and {wish.voice} "
        f"({wish.model}) speaks {', '.join(name.capitalize() for name in spoken)}: it will be read "
        "with that accent, or worse. Other voices are under System, Pull."
    )


def field_of(error: IntoneError) -> FieldName:
    """Returns below which field a message belongs."""
    if isinstance(error, UnknownVoiceError | UnsupportedModeError | ModelError):
        return "voice"
    return "start"


def _first_voice(desk: Desk) -> str | None:
    can = desk.models.describe(desk.models.for_voice(None))
    return next(iter(can.voices), None)
