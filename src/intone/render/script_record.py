"""What is written beside a whole script: its segments with their times, takes and similarities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from intone.core.types import FinishReason
from intone.render.ear import Likeness
from intone.render.json_records import to_json
from intone.render.moods import Route
from intone.render.plot import PlottedSegment
from intone.render.script import RenderedSegment
from intone.render.sidecar import ModelRecord
from intone.render.subtitles import Span

SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentRecord:
    """One segment in the whole."""

    index: int
    line: int | None
    """In the script."""
    column: int | None
    text: str
    """As it was written."""
    spoken_text: str
    speaker: str | None
    identity: str | None
    mood: str | None
    route: Route
    start_s: float
    end_s: float
    gain_db: float
    seed: int
    similarity: float | None
    finish_reason: FinishReason
    num_draws: int
    take: str | None
    """Name of the record of its take; None where takes are not kept."""
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptRecord:
    """A script that was spoken."""

    schema: int
    intone_version: str
    created_at: str
    """ISO 8601 with the offset from UTC."""
    mode: str
    script: str
    """Name of its file."""
    audio_file: str
    seed: int
    model: ModelRecord
    ear: str | None
    """Checkpoint that the similarities are by; None where nobody was compared."""
    min_similarity: float
    lowest_similarity: float | None
    mean_similarity: float | None
    duration_s: float
    segments: tuple[SegmentRecord, ...]
    notes: tuple[str, ...]
    """What could not be performed as it was asked for."""

    def json(self) -> str:
        """Returns the file's text."""
        return to_json(self) + "\n"


def likeness_of(segments: Sequence[RenderedSegment]) -> Likeness:
    """Returns how alike the segments are to their persons."""
    return Likeness.of(part.drawn.similarity for part in segments)


def segment_record(part: RenderedSegment, take: str | None) -> SegmentRecord:
    """Returns what is kept of a segment; `take` names the record of its take."""
    drawn, plan = part.drawn, part.drawn.plan
    return SegmentRecord(
        index=plan.index,
        line=None if plan.position is None else plan.position.line,
        column=None if plan.position is None else plan.position.column,
        text=plan.text,
        spoken_text=plan.request.text,
        speaker=plan.speaker,
        identity=plan.identity,
        mood=plan.mood,
        route=plan.route,
        start_s=round(part.start_s, 3),
        end_s=round(part.end_s, 3),
        gain_db=round(part.placed.gain_db, 2),
        seed=drawn.audio.seed,
        similarity=drawn.similarity,
        finish_reason=drawn.audio.finish_reason,
        num_draws=drawn.num_draws,
        take=take,
        notes=notes_of(part),
    )


def notes_of(part: RenderedSegment) -> tuple[str, ...]:
    """Returns what was not done as asked, of the plan and of the draw."""
    return part.drawn.notes


def who(part: RenderedSegment) -> str:
    """Returns speaker and mood, as the progress and the picture show them."""
    plan = part.drawn.plan
    name = plan.speaker or plan.identity or "voice"
    return name if plan.mood is None else f"{name} [{plan.mood}]"


def spans(segments: Sequence[RenderedSegment]) -> list[Span]:
    """Returns what subtitles are made of."""
    return [Span(part.start_s, part.end_s, part.drawn.plan.text) for part in segments]


def plotted(segments: Sequence[RenderedSegment]) -> list[PlottedSegment]:
    """Returns what a picture says about the segments."""
    return [
        PlottedSegment(
            start_s=part.start_s,
            end_s=part.end_s,
            label=who(part),
            similarity=part.drawn.similarity,
        )
        for part in segments
    ]
