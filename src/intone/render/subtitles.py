"""SRT and WebVTT from the times of segments.

A segment's text is broken into lines of at most 42 columns (a wide character, as in Chinese, takes
two), two lines to a cue. Inside a segment nobody knows when a word is spoken: its time is shared
out by the widths of its cues. Lengths are those of common practice (BBC, Netflix guidelines).
"""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

MAX_LINE_COLUMNS = 42
MAX_LINES = 2

SubtitleFormat = Literal["srt", "vtt"]

_CLOSING = frozenset(".,;:!?…)]}»”’。，、；：！？）」』】")
"""Never at the start of a line where words are not spaced."""


@dataclass(frozen=True, slots=True)
class Span:
    """When a text is heard."""

    start_s: float
    end_s: float
    text: str


@dataclass(frozen=True, slots=True)
class Cue:
    """What stands on the screen, and when; in milliseconds, at least one long."""

    start_ms: int
    end_ms: int
    lines: tuple[str, ...]


def cues(spans: Iterable[Span]) -> Iterator[Cue]:
    """Yields the cues of spans, in order; a span without words has none."""
    for span in spans:
        lines = break_lines(span.text)
        screens = [lines[i : i + MAX_LINES] for i in range(0, len(lines), MAX_LINES)]
        widths = [sum(map(columns, screen)) for screen in screens]
        done, total = 0, sum(widths)
        if not total:
            continue  # nothing of it would be seen
        for screen, width in zip(screens, widths, strict=True):
            start_ms = _ms(span, done / total)
            done += width
            yield Cue(start_ms, max(_ms(span, done / total), start_ms + 1), tuple(screen))


def subtitles(spans: Iterable[Span], format: SubtitleFormat) -> Iterator[str]:
    """Yields the text of a file, piece by piece, in UTF-8 with plain line feeds."""
    if format == "vtt":
        yield "WEBVTT\n"
    for number, cue in enumerate(cues(spans), start=1):
        yield _srt(cue, number) if format == "srt" else _vtt(cue)


def columns(text: str) -> int:
    """Returns how wide a text is: two columns for wide characters, none for combining ones."""
    return sum(map(_columns_of, text))


def break_lines(text: str) -> list[str]:
    """Returns the words of a text in lines that fit, none of them empty."""
    lines, line = [], ""
    for word in text.split():
        for number, part in enumerate(_parts(word)):
            joined = f"{line} {part}" if line and number == 0 else line + part
            if columns(joined) <= MAX_LINE_COLUMNS:
                line = joined
                continue
            lines.append(line)
            line = part
    return [*lines, line] if line else lines


def _parts(word: str) -> Iterator[str]:
    """Yields a word that fits a line whole; else in pieces: characters, or where it must be cut."""
    if columns(word) <= MAX_LINE_COLUMNS:
        yield word
        return
    piece = ""
    for character in word:
        is_bound = _columns_of(character) == 0 or character in _CLOSING
        if columns(piece + character) > MAX_LINE_COLUMNS - 2 and not is_bound:
            yield piece
            piece = ""
        piece += character
    yield piece


def _columns_of(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Cf", "Me", "Mn"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _ms(span: Span, share: float) -> int:
    return round(1000 * (span.start_s + (span.end_s - span.start_s) * share))


def _srt(cue: Cue, number: int) -> str:
    # SRT has no escapes; an arrow in the text would look like a time to some players.
    words = "\n".join(line.replace("-->", "→") for line in cue.lines)
    before = "" if number == 1 else "\n"
    return f"{before}{number}\n{_clock(cue.start_ms, ',')} --> {_clock(cue.end_ms, ',')}\n{words}\n"


def _vtt(cue: Cue) -> str:
    words = "\n".join(html.escape(line, quote=False) for line in cue.lines)
    return f"\n{_clock(cue.start_ms, '.')} --> {_clock(cue.end_ms, '.')}\n{words}\n"


def _clock(time_ms: int, point: str) -> str:
    seconds, ms = divmod(time_ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{point}{ms:03}"
