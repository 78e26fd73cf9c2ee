"""A text that is rewritten step by step; what one step has settled no later step touches."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Self

from intone.text.script import FixedSpan

Replacement = Callable[[re.Match[str]], str | None]
"""Returns the spoken form of a match, None to leave it as it is."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Characters `start` to `stop` of a text become `spoken`."""

    start: int
    stop: int
    spoken: str


@dataclass(frozen=True, slots=True)
class Rewriting:
    """The text so far and the spans of it that are settled, in order."""

    text: str
    fixed: tuple[FixedSpan, ...] = ()

    def gaps(self) -> Iterator[tuple[int, int]]:
        """Yields start and stop of every stretch that is not settled."""
        start = 0
        for span in self.fixed:
            if start < span.start:
                yield start, span.start
            start = span.stop
        if start < len(self.text):
            yield start, len(self.text)

    def replace(self, pattern: re.Pattern[str], spoken: Replacement) -> Self:
        """Returns the text with every match outside of settled spans replaced, and then settled.

        A pattern may look back at a settled span, but neither match nor look forward into it.
        """
        edits: list[Edit] = []
        for start, stop in self.gaps():
            for match in pattern.finditer(self.text, start, stop):
                said = spoken(match)
                if said is not None:
                    edits.append(Edit(match.start(), match.end(), said))
        return self.edited(edits)

    def edited(self, edits: Iterable[Edit]) -> Self:
        """Returns the text after edits that come in order and lie in its gaps."""
        parts: list[str] = []
        fixed: list[FixedSpan] = []
        settled = list(reversed(self.fixed))
        done, shift = 0, 0
        for edit in edits:
            while settled and settled[-1].start < edit.start:
                fixed.append(_moved(settled.pop(), shift))
            parts += [self.text[done : edit.start], edit.spoken]
            start = edit.start + shift
            written = self.text[edit.start : edit.stop]
            fixed.append(FixedSpan(start, start + len(edit.spoken), written))
            shift += len(edit.spoken) - len(written)
            done = edit.stop
        fixed += [_moved(span, shift) for span in reversed(settled)]
        return type(self)("".join((*parts, self.text[done:])), tuple(fixed))


def _moved(span: FixedSpan, by: int) -> FixedSpan:
    return FixedSpan(span.start + by, span.stop + by, span.written)
