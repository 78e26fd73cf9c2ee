"""What one contestant needed: medians over its takes, from the lines that its process wrote.

The protocol of a contestant's process, one JSON object a line: `Ready` once it is loaded, one take
for each line it is sent, `Ended` when its input ends. Times are in seconds, memory in MB.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from intone.bench.job import BenchJob
from intone.core.constants import FRAME_S

Reply = Mapping[str, Any]

_LOOP_STAGES = ("prefill_s", "talker_s", "code_predictor_s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Times of one contestant; a stage's time is that in which it was busy, per frame."""

    dtype: str
    """Of talker and code predictor."""
    rtf: float
    """Audio seconds of all streams per wall second."""
    ttfa_s: float | None
    """Of the slowest stream; None where sound comes only with the whole take."""
    frame_ms: float
    """Wall time per frame."""
    prefill_ms: float
    talker_ms: float
    code_predictor_ms: float
    codec_ms: float
    """Where frames and audio are made at the same time, part of no sum."""
    waiting_ms: float | None
    """Of a frame loop beside its codec: wall time that is none of its stages, mostly waiting."""
    other_ms: float | None
    """Of one stage after the other: wall time that is none of them."""
    import_s: float | None
    load_s: float
    first_audio_s: float | None
    """From starting the process to the first sample of its first take."""
    first_ttfa_s: float | None
    """Of the very first take of the process."""
    rss_mb: float | None
    """Resident after loading; mapped files count only where they were read."""
    peak_rss_mb: float
    anonymous_mb: float | None
    """At the end: resident pages that only the process itself can give back."""
    file_mb: float | None
    """At the end: resident pages of mapped files, which the system may evict."""
    children_peak_mb: float
    """The largest process that the contestant started itself; 0 without one."""
    versions: dict[str, str] = field(default_factory=dict)


def summarise(
    job: BenchJob, ready: Reply, takes: Sequence[Reply], ended: Reply, ready_s: float
) -> Figures:
    """Returns the medians of all takes but the first, which warmed the process up.

    Args:
        ready_s: from starting the process to its first line.
    """
    measured = takes[1:] or takes
    ms_per_frame = 1000 / (job.num_frames * job.num_streams)

    def per_frame_ms(seconds: Callable[[Reply], float]) -> float:
        return median(map(seconds, measured)) * ms_per_frame

    frame_ms = per_frame_ms(lambda take: take["wall_s"])
    is_pipeline = bool(ready["is_pipeline"])
    rest_ms = per_frame_ms(lambda take: _rest_s(take, is_pipeline))
    first_ttfa_s = takes[0]["ttfa_s"]
    return Figures(
        dtype=ready["dtype"],
        rtf=FRAME_S * 1000 / frame_ms,
        ttfa_s=None if first_ttfa_s is None else median(take["ttfa_s"] for take in measured),
        frame_ms=frame_ms,
        prefill_ms=per_frame_ms(lambda take: take["prefill_s"]),
        talker_ms=per_frame_ms(lambda take: take["talker_s"]),
        code_predictor_ms=per_frame_ms(lambda take: take["code_predictor_s"]),
        codec_ms=per_frame_ms(lambda take: take["codec_s"]),
        waiting_ms=rest_ms if is_pipeline else None,
        other_ms=None if is_pipeline else rest_ms,
        import_s=ready["import_s"],
        load_s=_load_s(ready, measured),
        first_audio_s=_first_audio_s(ready, takes[0], ready_s),
        first_ttfa_s=first_ttfa_s,
        rss_mb=ready["rss_mb"],
        peak_rss_mb=ended["peak_rss_mb"],
        anonymous_mb=ended["anonymous_mb"],
        file_mb=ended["file_mb"],
        children_peak_mb=ended["children_peak_mb"],
        versions=ready["versions"],
    )


def _rest_s(take: Reply, is_pipeline: bool) -> float:
    """Wall time outside every stage, of one take: medians of different takes do not subtract."""
    busy_s = sum(take[stage] for stage in _LOOP_STAGES)
    return float(take["wall_s"] - busy_s - (0.0 if is_pipeline else take["codec_s"]))


def _load_s(ready: Reply, takes: Sequence[Reply]) -> float:
    """Of a contestant that starts a process for every take, each take says."""
    if ready["load_s"] is not None:
        return float(ready["load_s"])
    return float(median(take["load_s"] for take in takes))


def _first_audio_s(ready: Reply, first: Reply, ready_s: float) -> float | None:
    if first["ttfa_s"] is None:
        return None
    start_s = first["start_s"] if ready["load_s"] is None else ready_s
    return float(start_s + first["ttfa_s"])
