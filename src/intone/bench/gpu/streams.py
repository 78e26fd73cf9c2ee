"""Many streams at once, begun together: what all make, and whether each comes evenly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from intone.bench.gpu.speaker import Speaker, TakeSetting, Trace
from intone.bench.gpu.timing import Budget, percentile

STREAM_COUNTS = (1, 4, 16, 64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Streams:
    """One number of streams."""

    num_streams: int
    num_frames: int
    """Per stream."""
    num_rounds: int
    audio_s_per_s: float
    """Of all streams, from the first request to the last chunk; median of rounds."""
    ttfa_p50_ms: float
    ttfa_p95_ms: float
    """All begin at once, so this is a burst's."""
    gap_p50_ms: float
    gap_p95_ms: float
    gap_max_ms: float
    """Between chunks of one stream."""
    num_underruns: int
    """Of players that begin with the first chunk and have no buffer."""


def measure_streams(
    speaker: Speaker,
    num_frames: int,
    num_rounds: int,
    budget: Budget,
    counts: Sequence[int] = STREAM_COUNTS,
) -> list[Streams]:
    """Returns a figure for each count that there was time for; a round before warms up."""
    found = []
    for index, num_streams in enumerate(counts):
        if budget.is_over:
            break
        share = budget.part(1 / (len(counts) - index))
        setting = TakeSetting(num_frames=num_frames)
        speaker.speak(setting, num_streams)
        rounds = [speaker.speak(setting, num_streams)]
        while len(rounds) < num_rounds and not share.is_over:
            rounds.append(speaker.speak(setting, num_streams))
        found.append(_figures(num_frames, rounds))
    return found


def _figures(num_frames: int, rounds: Sequence[Sequence[Trace]]) -> Streams:
    takes = [take for takes in rounds for take in takes]
    gaps = [gap for take in takes for gap in take.gaps_s] or [0.0]
    firsts = [take.ttfa_s for take in takes]
    return Streams(
        num_streams=len(rounds[0]),
        num_frames=num_frames,
        num_rounds=len(rounds),
        audio_s_per_s=median(_throughput(takes) for takes in rounds),
        ttfa_p50_ms=percentile(firsts, 50) * 1000,
        ttfa_p95_ms=percentile(firsts, 95) * 1000,
        gap_p50_ms=percentile(gaps, 50) * 1000,
        gap_p95_ms=percentile(gaps, 95) * 1000,
        gap_max_ms=max(gaps) * 1000,
        num_underruns=sum(take.played().num_underruns for take in takes),
    )


def _throughput(takes: Sequence[Trace]) -> float:
    began = min(take.asked_at for take in takes)
    ended = max(take.asked_at + take.wall_s for take in takes)
    return sum(take.audio_s for take in takes) / (ended - began)
