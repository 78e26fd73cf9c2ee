"""Reads figures out for a plan, and remembers why some were left as they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from intone.text.script import FixedSpan
from intone.text.spoken import spoken_text


@dataclass(slots=True)
class ReadingAloud:
    """A `planning.ReadAloud` without a lexicon."""

    _notes: dict[str, None] = field(default_factory=dict)

    def __call__(self, text: str, language: str, fixed: Sequence[FixedSpan]) -> str:
        """Returns a text as it is spoken."""
        spoken = spoken_text(text, language, fixed=fixed)
        if spoken.note is not None:
            self._notes[spoken.note] = None
        return spoken.text

    @property
    def notes(self) -> tuple[str, ...]:
        """Why figures were left as they are, each reason once."""
        return tuple(self._notes)
