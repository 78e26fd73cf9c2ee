"""A text as takes and silences: its tags, where they are asked for, its figures, its length."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from intone.audio.seams import GAP_S
from intone.core.errors import InvalidSettingError, MarkupError
from intone.core.types import MAX_SPEED, MIN_SPEED, SpeechRequest
from intone.text.cutting import Budget
from intone.text.languages import language_to_read
from intone.text.markup import parse_script
from intone.text.script import Position, Script, Segment, Silence
from intone.text.sentences import Piece, pack, split_sentences
from intone.text.spoken import Spelling, spoken_text

MAX_TAKE_S = 20.0
"""Typical speech that one take is given, as in scripts and books: voices drift in long takes."""

MAX_SILENCE_S = 300.0
"""That the tags of one request may ask for in all: silence is cheap to ask for, and has bytes."""

Markup = Literal["none", "auto", "voices"]
"""none: brackets are read as they are written. auto: known commands but `[voice:…]` are tags.
voices: that one, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextReading:
    """How a text is read."""

    markup: Markup
    spelling: Spelling
    stays_whole: bool
    """However long; each take of a described voice would be another person."""
    voice: Callable[[str], str | None]
    """From the name in a tag to the name that the model knows."""
    languages: tuple[str, ...] = ()
    """Of the model; where it has one alone, figures are read in that."""


@dataclass(frozen=True, slots=True)
class CutText:
    """One take's request, without its seed, and the silence behind it."""

    request: SpeechRequest
    gap_after_s: float
    written: str
    """The text as it was written; the request has it as it is spoken."""


@dataclass(frozen=True, slots=True)
class CutTexts:
    """What is spoken in order, and the silences at both ends."""

    parts: tuple[CutText, ...]
    lead_silence_s: float
    end_silence_s: float


def cut_text(template: SpeechRequest, reading: TextReading) -> CutTexts:
    """Returns the takes of a text.

    Args:
        template: the request as if the text were one take without tags.

    Raises:
        MarkupError: a tag that means nothing, or one that was not asked for.
        InvalidSettingError: tags ask for more than five minutes of silence.
        RequestError: what a tag asks for does not fit the model.
        MissingDependencyError: figures must be written out, and a package is missing.
    """
    lead_s, waiting_s = 0.0, 0.0
    parts: list[CutText] = []
    script = _script(template.text, reading.markup)
    _check_silence(script)
    for piece in script.pieces:
        if isinstance(piece, Silence):
            waiting_s += piece.duration_s
            continue
        if parts:
            last = parts[-1]
            parts[-1] = replace(last, gap_after_s=waiting_s or last.gap_after_s)
        else:
            lead_s = waiting_s
        waiting_s = 0.0
        parts += _takes(piece, template, reading)
    return CutTexts(tuple(parts), lead_s, waiting_s)


def _script(text: str, markup: Markup) -> Script:
    if markup == "none":
        return Script((Segment(text=text, position=Position(1, 1)),))
    script = parse_script(text, mode="say")
    named = next((one for one in script.segments if one.voice is not None), None)
    if named is not None and markup == "auto":
        raise MarkupError(
            f"[voice:{named.voice}] changes who speaks, which this request does not allow; send "
            '"markup": "voices", or write \\[ where a bracket is meant.',
            line=named.position.line,
            column=named.position.column,
        )
    return script


def _check_silence(script: Script) -> None:
    silence_s = sum(piece.duration_s for piece in script.pieces if isinstance(piece, Silence))
    if silence_s > MAX_SILENCE_S:
        raise InvalidSettingError(
            f"the tags of the text ask for {silence_s:g} s of silence; allowed: {MAX_SILENCE_S:g} "
            "in one request. Take some out."
        )


def _takes(segment: Segment, template: SpeechRequest, reading: TextReading) -> list[CutText]:
    language = segment.language or template.language
    request = replace(
        template,
        voice=template.voice if segment.voice is None else reading.voice(segment.voice),
        language=language,
        speed=_speed(segment, template.speed),
    )
    return [
        CutText(
            replace(request, text=_spoken(segment, piece, language, reading)),
            GAP_S[piece.end] / request.speed,
            segment.part(piece.start, piece.stop).written,
        )
        for piece in _pieces(segment.text, language, reading.stays_whole)
    ]


def _pieces(text: str, language: str, stays_whole: bool) -> list[Piece]:
    budget = Budget(MAX_TAKE_S, language)
    if stays_whole or budget.holds(text):
        return [Piece(text, 0, len(text), "sentence")]
    pieces = pack(split_sentences(text, language), budget)
    return [piece for piece in pieces if any(one.isalnum() for one in piece.text)]


def _spoken(segment: Segment, piece: Piece, language: str, reading: TextReading) -> str:
    spelling = reading.spelling
    if spelling == "off" and not segment.fixed:
        return piece.text
    part = segment.part(piece.start, piece.stop)
    read_as = language_to_read(language, reading.languages)
    return spoken_text(part.text, read_as, spelling=spelling, fixed=part.fixed).text


def _speed(segment: Segment, speed: float) -> float:
    together = segment.rate * speed
    if not MIN_SPEED <= together <= MAX_SPEED:
        raise InvalidSettingError(
            f"{segment.position}: [rate:{segment.rate:g}] and speed {speed:g} make {together:g}; "
            f"allowed: {MIN_SPEED} to {MAX_SPEED} together."
        )
    return together
