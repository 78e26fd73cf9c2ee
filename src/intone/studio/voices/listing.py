"""Everybody who can speak: presets of the models here, kept voices, and files that are damaged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from intone.core.errors import IntoneError
from intone.studio.desk import Desk
from intone.studio.parts.words import BUILTIN, PRESETS
from intone.voices.library import LibraryEntry
from intone.voices.voice import Voice


@dataclass(frozen=True, slots=True, kw_only=True)
class PresetRow:
    """A speaker of models that are here."""

    name: str
    about: str
    """Empty where nothing is known."""
    models: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRow:
    """A file of the library."""

    name: str
    about: str
    language: str
    form: str
    moods: tuple[str, ...]
    made: str
    """The day."""
    problem: str | None = None
    """Why it cannot be used: it is damaged, or no model here speaks with it."""
    is_damaged: bool = False


def preset_rows(desk: Desk) -> list[PresetRow]:
    """Returns the speakers, those of the first model first."""
    found: dict[str, list[str]] = {}
    for model, voices in _speakers(desk):
        for voice in voices:
            found.setdefault(voice, []).append(model)
    return [
        PresetRow(name=name, about=PRESETS.get(name) or BUILTIN.get(name, ""), models=tuple(models))
        for name, models in found.items()
    ]


def _speakers(desk: Desk) -> Iterator[tuple[str, tuple[str, ...]]]:
    for model in desk.models.names():
        try:
            yield model, desk.models.describe(model).voices
        except IntoneError:  # the System tab tells which model is damaged
            continue


def kept_rows(desk: Desk) -> list[KeptRow]:
    """Returns the library by name. For a thread: every file is read."""
    return [_kept_row(desk, entry) for entry in desk.library.entries()]


def _kept_row(desk: Desk, entry: LibraryEntry) -> KeptRow:
    if entry.voice is None:
        return KeptRow(
            name=entry.name,
            about="damaged",
            language="",
            form="",
            moods=(),
            made=_day(entry),
            problem=_without_path(entry),
            is_damaged=True,
        )
    voice = entry.voice
    return KeptRow(
        name=entry.name,
        about=origin(voice),
        language="any language" if voice.language == "auto" else voice.language.capitalize(),
        form=form_words(voice),
        moods=voice.moods,
        made=_day(entry),
        problem=_silence(desk, entry.name),
    )


def origin(voice: Voice) -> str:
    """Returns where a voice comes from, in words."""
    making = voice.making
    if voice.x_vector is None:
        kind = "fine-tuned" if voice.kind == "finetuned" else "a preset"
        return f"{kind}: {voice.speaker} of {voice.model}"
    if voice.kind == "designed":
        return f"designed: “{making.description}”"
    if making.description:  # an import says from what
        return making.description
    return "cloned from a recording"


def form_words(voice: Voice) -> str:
    """Returns what is kept of the person."""
    if voice.x_vector is None:
        return "a name"
    return "recording and words (ICL)" if voice.is_icl else "who speaks (x-vector)"


def _silence(desk: Desk, name: str) -> str | None:
    """Returns why a voice cannot speak now; None where it can."""
    try:
        desk.models.for_voice(name)
    except IntoneError as error:
        return str(error)
    return None


def _day(entry: LibraryEntry) -> str:
    try:
        return f"{datetime.fromtimestamp(entry.path.stat().st_mtime):%d %b %Y}"
    except OSError:
        return ""


def _without_path(entry: LibraryEntry) -> str:
    return (entry.problem or "").replace(str(entry.path), entry.path.name)
