"""What will be drawn: one plan per segment, each with a request that is complete in itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from intone.core.types import SpeechRequest
from intone.render.identity import Identity
from intone.render.moods import Route
from intone.text.duration import expected_duration
from intone.text.script import Position, Segment


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SegmentPlan:
    """One segment, before it is drawn. Its request alone decides how it sounds."""

    index: int
    """From 0, among the spoken segments; its seed follows from it."""
    text: str
    """As it is written; the request holds it as it is spoken."""
    request: SpeechRequest
    mood: str | None = None
    speaker: str | None = None
    """As the cast spells it."""
    identity: str | None = None
    """Name of who speaks."""
    route: Route = "plain"
    """How the mood is performed."""
    bank_mood: str | None = None
    """The recording of the voice that it follows; None is the neutral one."""
    note: str | None = None
    """What of the delivery could not be done."""
    gap_before_s: float = 0.0
    """Silence between the sound before it and its own."""
    silence_before_s: float = 0.0
    """Of that gap, what tags asked for."""
    gap_after_s: float = 0.0
    """Silence that its own end asks for, where no tag does."""
    cut_end_s: float = 0.0
    """Taken off its end: somebody cuts in."""
    position: Position | None = None
    """In the source."""
    segment: Segment | None = None
    """What of the source it speaks, with all that its tags say; planned alone it is this again."""

    @property
    def expected_s(self) -> float:
        """Seconds that it will probably take, the gap before it included."""
        duration = expected_duration(self.request.text, self.request.language)
        return self.gap_before_s + duration.typical_s / self.request.speed


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScriptPlan:
    """All segments of a script, in order, and everybody who speaks in it."""

    segments: tuple[SegmentPlan, ...]
    identities: Mapping[str, Identity]
    """By name."""
    seed: int
    """That all others follow from."""
    end_silence_s: float = 0.0
    """A pause that was asked for behind the last segment."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What of the script cannot be performed, each said once."""
        return tuple(dict.fromkeys(part.note for part in self.segments if part.note is not None))
