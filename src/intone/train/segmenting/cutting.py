"""Where a long recording is cut: at its pauses, into pieces of a wanted length.

All of it is arithmetic over spans of seconds; no sound is read here. Kept pieces, dropped ones and
the silence between them add up to the recording.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from intone.audio.silence import KEPT_LEAD_S, KEPT_TAIL_S
from intone.core.errors import DatasetError

DropReason = Literal["too_short", "no_pause"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CutSettings:
    """What a piece should be."""

    min_s: float = 1.5
    max_s: float = 15.0
    pause_s: float = 0.4
    """A pause of this length ends a sentence; shorter ones only where a piece would be too long."""
    lead_s: float = KEPT_LEAD_S
    """Silence kept before a piece."""
    tail_s: float = KEPT_TAIL_S
    """Silence kept after it."""

    def __post_init__(self) -> None:
        if not 0 < self.min_s < self.max_s:
            raise DatasetError(
                f"pieces of {self.min_s:g} to {self.max_s:g} s were asked for; allowed: "
                "0 < minimum < maximum."
            )
        if min(self.pause_s, self.lead_s, self.tail_s) < 0:
            raise DatasetError("pause, lead and tail are seconds; allowed: 0 or more.")


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a recording."""

    start_s: float
    end_s: float

    @property
    def duration_s(self) -> float:
        return self.end_s - self.start_s


@dataclass(frozen=True, slots=True)
class Piece:
    """What becomes a clip."""

    speech: Span
    clip: Span
    """With as much of the silence around as may be kept; clips of neighbours never overlap."""


@dataclass(frozen=True, slots=True)
class CutPlan:
    """Every second of the speech, kept or dropped."""

    pieces: Sequence[Piece]
    dropped: Sequence[tuple[Span, DropReason]]


def plan_cuts(speech: Sequence[Span], duration_s: float, settings: CutSettings) -> CutPlan:
    """Returns how to cut a recording.

    Args:
        speech: stretches with a voice, in order, apart from each other.
        duration_s: of the recording.
    """
    sentences = [
        part
        for utterance in _joined(speech, settings.pause_s)
        for part in _split(utterance, settings)
    ]
    merged = _without_short(sentences, settings)
    spans = [Span(group[0].start_s, group[-1].end_s) for group in merged]
    dropped = [(span, reason) for span in spans if (reason := _drop_reason(span, settings))]
    kept = [span for span in spans if _drop_reason(span, settings) is None]
    pieces = list(_with_silence(kept, [span for span, _ in dropped], duration_s, settings))
    return CutPlan(pieces, dropped)


def _joined(speech: Sequence[Span], pause_s: float) -> Iterator[list[Span]]:
    """Yields utterances: runs of spans with shorter pauses between them."""
    group: list[Span] = []
    for span in speech:
        if group and span.start_s - group[-1].end_s >= pause_s:
            yield group
            group = []
        group.append(span)
    if group:
        yield group


def _split(group: list[Span], settings: CutSettings) -> Iterator[list[Span]]:
    """Yields parts that are short enough: halves at the longest pause, as often as needed."""
    if _length(group) <= settings.max_s or len(group) == 1:
        yield group
        return
    middle = (group[0].start_s + group[-1].end_s) / 2
    at = max(
        range(1, len(group)),
        key=lambda i: (
            round(group[i].start_s - group[i - 1].end_s, 2),
            -abs(group[i].start_s - middle),
        ),
    )
    yield from _split(group[:at], settings)
    yield from _split(group[at:], settings)


def _without_short(parts: Sequence[list[Span]], settings: CutSettings) -> list[list[Span]]:
    """Returns the parts, too short ones joined to the neighbour that is nearer, where they fit."""
    parts = list(parts)
    at = 0
    while at < len(parts):
        partner = _partner(parts, at, settings) if _length(parts[at]) < settings.min_s else None
        if partner is None:
            at += 1
            continue
        first = min(at, partner)
        parts[first : first + 2] = [parts[first] + parts[first + 1]]
        at = max(0, first)
    return parts


def _partner(parts: Sequence[list[Span]], at: int, settings: CutSettings) -> int | None:
    fitting = [
        (_gap(parts, min(at, other)), other)
        for other in (at - 1, at + 1)
        if 0 <= other < len(parts) and _joint_length(parts, min(at, other)) <= settings.max_s
    ]
    near = [(gap, other) for gap, other in fitting if gap <= _longest_inner_pause_s(settings)]
    return min(near)[1] if near else None


def _longest_inner_pause_s(settings: CutSettings) -> float:
    """A clip with a longer silence inside teaches pauses that the text does not tell."""
    return 2 * settings.pause_s


def _gap(parts: Sequence[list[Span]], first: int) -> float:
    return parts[first + 1][0].start_s - parts[first][-1].end_s


def _joint_length(parts: Sequence[list[Span]], first: int) -> float:
    return parts[first + 1][-1].end_s - parts[first][0].start_s


def _length(group: Sequence[Span]) -> float:
    return group[-1].end_s - group[0].start_s


def _drop_reason(span: Span, settings: CutSettings) -> DropReason | None:
    if span.duration_s < settings.min_s:
        return "too_short"
    return "no_pause" if span.duration_s > settings.max_s else None


def _with_silence(
    kept: Sequence[Span], dropped: Sequence[Span], duration_s: float, settings: CutSettings
) -> Iterator[Piece]:
    """Yields each span with silence around it: at most two thirds of a pause after it, one before.

    Dropped speech bounds the silence as kept speech does.
    """
    spans = sorted([*kept, *dropped], key=lambda span: span.start_s)
    left_out = set(dropped)
    for i, span in enumerate(spans):
        if span in left_out:
            continue
        before = span.start_s - spans[i - 1].end_s if i else 3 * span.start_s
        is_last = i + 1 == len(spans)
        after = 1.5 * (duration_s - span.end_s) if is_last else spans[i + 1].start_s - span.end_s
        clip = replace(
            span,
            start_s=max(0.0, span.start_s - min(settings.lead_s, before / 3)),
            end_s=min(duration_s, span.end_s + min(settings.tail_s, after * 2 / 3)),
        )
        yield Piece(span, clip)
