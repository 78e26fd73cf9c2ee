"""One stream at a time: how much faster than real time, and how long until it sounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from intone.bench.gpu.speaker import Speaker, TakeSetting, Trace
from intone.bench.gpu.timing import Budget, percentile

CHUNK_SIZES = (1, 2, 4, 8, 12)


@dataclass(frozen=True, slots=True, kw_only=True)
class SingleStream:
    """One chunk size."""

    chunk_frames: int
    num_frames: int
    """Per take."""
    num_takes: int
    rtf: float
    """Audio seconds per wall second, the wait for the first chunk included; median of takes."""
    ttfa_p50_ms: float
    ttfa_p95_ms: float
    num_first_chunks: int
    """What the percentiles are of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SingleSize:
    """How much is measured."""

    num_frames: int
    num_takes: int
    num_first_chunks: int


def measure_single(
    speaker: Speaker, size: SingleSize, budget: Budget, chunk_sizes: Sequence[int] = CHUNK_SIZES
) -> list[SingleStream]:
    """Returns a figure for each chunk size that there was time for; a take before warms up."""
    found = []
    for index, chunk_frames in enumerate(chunk_sizes):
        if budget.is_over:
            break
        share = budget.part(1 / (len(chunk_sizes) - index))
        found.append(_measure_one(speaker, size, chunk_frames, share))
    return found


def _measure_one(
    speaker: Speaker, size: SingleSize, chunk_frames: int, budget: Budget
) -> SingleStream:
    setting = TakeSetting(num_frames=size.num_frames, chunk_frames=chunk_frames)
    speaker.speak(setting)
    takes: list[Trace] = []
    while not takes or (len(takes) < size.num_takes and not budget.is_over):
        takes += speaker.speak(setting)
    firsts = [take.ttfa_s for take in takes]
    while len(firsts) < size.num_first_chunks and not budget.is_over:
        firsts.append(speaker.first_chunk(setting).ttfa_s)
    return SingleStream(
        chunk_frames=chunk_frames,
        num_frames=size.num_frames,
        num_takes=len(takes),
        rtf=median(take.audio_s / take.wall_s for take in takes),
        ttfa_p50_ms=percentile(firsts, 50) * 1000,
        ttfa_p95_ms=percentile(firsts, 95) * 1000,
        num_first_chunks=len(firsts),
    )
