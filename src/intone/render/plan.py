"""What will be drawn: one plan per segment, each with a request that is complete in itself."""

from __future__ import annotations

from dataclasses import dataclass

from intone.core.types import SpeechRequest
from intone.render.moods import Route
from intone.text.script import Position


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
    note: str | None = None
    """What of the delivery could not be done."""
    gap_before_s: float = 0.0
    """Silence between the sound before it and its own."""
    cut_end_s: float = 0.0
    """Taken off its end: somebody cuts in."""
    position: Position | None = None
    """In the source."""
