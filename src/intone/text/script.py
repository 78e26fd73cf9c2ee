"""What a script is after parsing: segments to be spoken and silences between them, in order.

Positions are those of the source, from 1, in lines and characters, for messages to its author.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in the source, as editors count."""

    line: int
    """From 1."""
    column: int
    """Characters from the start of the line, from 1."""

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}"


@dataclass(frozen=True, slots=True)
class FixedSpan:
    """Characters of a text whose spoken form is settled: nothing rewrites them any more."""

    start: int
    stop: int
    """One past the last character."""
    written: str
    """What stood in the source instead."""

    def within(self, start: int, stop: int) -> FixedSpan | None:
        """Returns the span as `text[start:stop]` has it; None where that holds none of it.

        Of a span that is cut in two, the part with its beginning keeps what was written.
        """
        first, last = max(self.start, start), min(self.stop, stop)
        if first >= last:
            return None
        written = self.written if first == self.start else ""
        return FixedSpan(first - start, last - start, written)


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """A pause that was asked for."""

    duration_s: float
    position: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """Text that is spoken in one manner by one person; it holds at least one character."""

    text: str
    """To be spoken; the spoken form of `[say:…]` is in it."""
    position: Position
    """Of its first character."""
    mood: str | None = None
    directives: tuple[tuple[str, str], ...] = ()
    """Keys in lower case, each once, in the order in which they came."""
    voice: str | None = None
    """Asked for by a tag; None leaves it to the speaker, or to who renders."""
    rate: float = 1.0
    language: str | None = None
    """A name of `text.languages`, or "auto"; None leaves it to who renders."""
    speaker: str | None = None
    """As the cast spells it; None is narration, or a script without dialogue."""
    is_solo: bool = False
    """Spoken close to the microphone, to nobody else."""
    is_interrupted: bool = False
    """The next speaker cuts in."""
    fixed: tuple[FixedSpan, ...] = ()
    """Spans of `text` that came from `[say:…]`, in order."""

    @property
    def written(self) -> str:
        """The text with its `[say:…]` words as they are written."""
        parts: list[str] = []
        done = 0
        for span in self.fixed:
            parts += [self.text[done : span.start], span.written]
            done = span.stop
        return "".join((*parts, self.text[done:]))

    def part(self, start: int, stop: int) -> Segment:
        """Returns the segment with `text[start:stop]` alone; interrupted if that is its end."""
        spans = (span.within(start, stop) for span in self.fixed)
        return replace(
            self,
            text=self.text[start:stop],
            fixed=tuple(span for span in spans if span is not None),
            is_interrupted=self.is_interrupted and stop == len(self.text),
        )


@dataclass(frozen=True, slots=True)
class Script:
    """Segments and silences in the order in which they are heard."""

    pieces: tuple[Segment | Silence, ...]

    @property
    def segments(self) -> tuple[Segment, ...]:
        return tuple(piece for piece in self.pieces if isinstance(piece, Segment))

    @property
    def voices(self) -> tuple[str, ...]:
        """Voices that tags ask for, each once, in order of appearance."""
        return tuple(dict.fromkeys(part.voice for part in self.segments if part.voice is not None))

    @property
    def speakers(self) -> tuple[str, ...]:
        """Who speaks, each once, in order of appearance."""
        names = (part.speaker for part in self.segments if part.speaker is not None)
        return tuple(dict.fromkeys(names))
