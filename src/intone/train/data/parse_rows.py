"""From the values of a source to a `TrainingRow`; the first problem is the row's verdict."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from intone.train.data.languages import KNOWN_LANGUAGES, language_name
from intone.train.data.source_keys import SourceRow
from intone.train.data.spoken_text import normalised_text
from intone.train.data.verdicts import Code, Rejection
from intone.train.rows import DEFAULT_SPEAKER, Split, TrainingRow

MAX_SPEAKER_CHARS = 64

_SPEAKER = re.compile(rf"[a-z0-9_]{{1,{MAX_SPEAKER_CHARS}}}")
_SPLITS: Mapping[str, Split] = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RowDefaults:
    """What a row is where it does not say."""

    speaker: str = DEFAULT_SPEAKER
    language: str = "auto"
    languages: tuple[str, ...] = KNOWN_LANGUAGES
    """Allowed ones."""
    split: Split | None = None
    """None leaves it to the drawing of validation rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A row that can be read; its clip has not been looked at."""

    row: TrainingRow
    source: Mapping[str, object]
    has_split: bool
    """Whether the source said where it belongs."""


class _RowProblem(Exception):
    """Ends the parsing of one row."""

    def __init__(self, code: Code, reason: str) -> None:
        super().__init__(reason)
        self.code: Code = code


def parse_row(source: SourceRow, defaults: RowDefaults) -> Candidate | Rejection:
    """Returns the row, or why it is none; relative paths are resolved, nothing is opened."""
    try:
        return _parse(source, defaults)
    except _RowProblem as problem:
        return Rejection(
            id=source.id, code=problem.code, reason=str(problem), row=dict(source.values)
        )


def _parse(source: SourceRow, defaults: RowDefaults) -> Candidate:
    values = source.values
    split = _split(values, defaults)
    row = TrainingRow(
        id=_text(values, "id") or source.id,
        audio=_path(source, "audio") or _fail("missing_audio", "no audio is named"),
        text=_spoken(values),
        speaker=_speaker(values, defaults),
        language=_language(values, defaults),
        instruct=_text(values, "instruct"),
        ref_audio=_path(source, "ref_audio"),
        ref_text=_text(values, "ref_text"),
        start_s=_seconds(values, "start"),
        end_s=_seconds(values, "end"),
        split=split or "train",
    )
    if row.ref_text is not None and row.ref_audio is None:
        _fail("bad_reference", "ref_text without ref_audio; give both, or leave it out")
    if row.start_s is not None and row.end_s is not None and row.end_s <= row.start_s:
        _fail("bad_cut", f"start {row.start_s}, end {row.end_s}; the end comes after the start")
    return Candidate(row=row, source=values, has_split=split is not None)


def _text(values: Mapping[str, object], key: str) -> str | None:
    """Returns a string without white space at its ends; None where it is absent or empty."""
    value = values.get(key)
    if value is None:
        return None
    if not isinstance(value, str):
        _fail("wrong_type", f"{key} is {value!r}, a {type(value).__name__}; give a string")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        _fail("malformed_row", f"{key} is no Unicode text: {error}")
    return value.strip() or None


def _spoken(values: Mapping[str, object]) -> str:
    text = _text(values, "text")
    if text is None:
        _fail("empty_text", "there is no text; give the words of the clip")
    if not normalised_text(text):
        _fail("empty_text", f"text {text!r} has no letter or digit; give the words of the clip")
    return text


def _path(source: SourceRow, key: str) -> Path | None:
    name = _text(source.values, key)
    return None if name is None else Path(os.path.abspath(source.audio_root / name))


def _seconds(values: Mapping[str, object], key: str) -> float | None:
    """Returns seconds from a number, or from a table's cell."""
    value = values.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        _fail("wrong_type", f"{key} is {value!r}; give seconds as a number")
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        _fail("wrong_type", f"{key} is {value!r}; give seconds as a number")
    if not (math.isfinite(seconds) and seconds >= 0):
        _fail("bad_cut", f"{key} is {value!r}; give seconds from 0 on")
    return seconds


def _speaker(values: Mapping[str, object], defaults: RowDefaults) -> str:
    given = values.get("speaker")
    if isinstance(given, int) and not isinstance(given, bool):
        given = str(given)  # corpora number their speakers
    name = speaker_name(_text({"speaker": given}, "speaker") or defaults.speaker)
    if not _SPEAKER.fullmatch(name):
        _fail(
            "bad_speaker",
            f"speaker {given!r}; allowed: letters a to z, digits and underscores, "
            f"up to {MAX_SPEAKER_CHARS}",
        )
    return name


def speaker_name(given: str) -> str:
    """Returns the name as prompts look it up: lower case, underscores for spaces."""
    return given.strip().lower().replace(" ", "_")


def _language(values: Mapping[str, object], defaults: RowDefaults) -> str:
    name = language_name(_text(values, "language") or defaults.language)
    if name not in defaults.languages:
        allowed = ", ".join(defaults.languages)
        _fail("unknown_language", f"language {values.get('language')!r}; allowed: {allowed}")
    return name


def _split(values: Mapping[str, object], defaults: RowDefaults) -> Split | None:
    given = _text(values, "split")
    if given is None:
        return defaults.split
    split = _SPLITS.get(given.lower())
    if split is None:
        _fail("unknown_split", f"split {given!r}; allowed: {', '.join(_SPLITS)}")
    return split


def _fail(code: Code, reason: str) -> NoReturn:
    raise _RowProblem(code, reason)
