"""The words of a segment while they are collected, with the place of the first one."""

from __future__ import annotations

from dataclasses import dataclass

from intone.text.script import FixedSpan, Position
from intone.text.writing import is_speakable


@dataclass(frozen=True, slots=True)
class Words:
    """Text without white space around it."""

    text: str
    fixed: tuple[FixedSpan, ...]
    position: Position


class WordBuffer:
    """Takes text piece by piece; a piece lies on one line."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._places: list[tuple[int, Position]] = []
        self._fixed: list[FixedSpan] = []
        self._length = 0
        self.is_blank = True
        """Nothing but white space so far."""
        self.is_speakable = False
        """There is a letter or a digit."""

    def add(self, text: str, position: Position) -> None:
        """Adds text as it stands in the source; `position` is that of its first character."""
        if not text:
            return
        self._parts.append(text)
        self._places.append((self._length, position))
        self._length += len(text)
        self.is_blank = self.is_blank and text.isspace()
        self.is_speakable = self.is_speakable or is_speakable(text)

    def add_fixed(self, written: str, spoken: str, position: Position) -> None:
        """Adds a word whose spoken form is settled."""
        self._fixed.append(FixedSpan(self._length, self._length + len(spoken), written))
        self.add(spoken, position)

    def take(self) -> Words:
        """Returns the words and forgets them; they must not be blank."""
        whole = "".join(self._parts)
        text = whole.strip()
        start = len(whole) - len(whole.lstrip())
        words = Words(text, _shifted(self._fixed, -start), self._position(start))
        self.clear()
        return words

    def take_after(self, text: str) -> Words:
        """Returns what `text` becomes when the words follow it, and forgets them."""
        whole = text + "".join(self._parts).rstrip()
        words = Words(whole, _shifted(self._fixed, len(text)), self._places[0][1])
        self.clear()
        return words

    def clear(self) -> None:
        """Forgets the words."""
        self._parts.clear()
        self._places.clear()
        self._fixed.clear()
        self._length = 0
        self.is_blank, self.is_speakable = True, False

    def _position(self, index: int) -> Position:
        """Returns the place of a character: its distance from the start of its piece."""
        start, place = next(part for part in reversed(self._places) if part[0] <= index)
        return Position(place.line, place.column + index - start)


def _shifted(spans: list[FixedSpan], by: int) -> tuple[FixedSpan, ...]:
    return tuple(FixedSpan(span.start + by, span.stop + by, span.written) for span in spans)
