"""Where speech begins and ends in a clip, by level alone.

A level is the RMS of 10 ms in dB of full scale. What counts as sound is measured against the
clip's own loudness and noise floor, so that quiet and noisy recordings are trimmed alike.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from intone.core.types import Samples

HOPS_PER_S = 100
KEPT_LEAD_S = 0.1
KEPT_TAIL_S = 0.2
"""Longer tails teach a talker to speak silence where it should end the take."""

Levels = npt.NDArray[np.float32]

_QUIETEST_DB = -100.0
_ABOVE_FLOOR_DB = 6.0
_BELOW_LOUD_DB = (40.0, 25.0)
"""The threshold lies at least 25 and at most 40 dB under the loud parts, whatever the floor."""
_SILENCE_DB = -60.0
_MIN_HOPS = 3
"""A click of less than 30 ms is no beginning of speech."""


@dataclass(frozen=True, slots=True)
class LevelRange:
    """How loud the loud and the quiet parts are, in dB of full scale."""

    floor_db: float
    """Fifth percentile."""
    loud_db: float
    """95th percentile."""

    @property
    def threshold_db(self) -> float:
        """Returns the level from which on a hop counts as sound."""
        lowest, highest = (self.loud_db - below for below in _BELOW_LOUD_DB)
        return max(_SILENCE_DB, min(max(self.floor_db + _ABOVE_FLOOR_DB, lowest), highest))


def hop_samples(rate_hz: int) -> int:
    """Returns the samples of one hop; a rate that 100 does not divide gives a hair under 10 ms."""
    return max(1, rate_hz // HOPS_PER_S)


def levels_db(samples: Samples, rate_hz: int) -> Levels:
    """Returns one level per hop of samples [S], [ceil(S / hop)]; the last hop may be short."""
    hop = hop_samples(rate_hz)
    starts = np.arange(0, len(samples), hop)
    if not len(starts):
        return np.empty(0, np.float32)
    energy = np.add.reduceat(np.square(samples, dtype=np.float64), starts)
    counts = np.minimum(len(samples) - starts, hop)
    power = np.maximum(energy / counts, 10 ** (_QUIETEST_DB / 10))
    return (10 * np.log10(power)).astype(np.float32)


def level_range(levels: Levels) -> LevelRange:
    """Returns floor and loudness of at least one level."""
    ordered, last = np.sort(levels), len(levels) - 1
    return LevelRange(float(ordered[round(0.05 * last)]), float(ordered[round(0.95 * last)]))


def sound_hops(levels: Levels) -> tuple[int, int] | None:
    """Returns the first hop of sound and the one after its last; None when there is none."""
    if not len(levels):
        return None
    is_loud = levels >= level_range(levels).threshold_db
    edges = np.diff(is_loud.astype(np.int8), prepend=0, append=0)
    starts, ends = np.nonzero(edges == 1)[0], np.nonzero(edges == -1)[0]
    is_run = ends - starts >= min(_MIN_HOPS, len(levels))
    if not is_run.any():
        return None
    return int(starts[is_run][0]), int(ends[is_run][-1])


def trim_silence(
    samples: Samples,
    rate_hz: int,
    *,
    lead_s: float = KEPT_LEAD_S,
    tail_s: float = KEPT_TAIL_S,
) -> tuple[int, int]:
    """Returns the samples to keep, [start, end), of a clip [S].

    Args:
        lead_s: silence to keep before the first sound, where there is as much.
        tail_s: silence to keep after the last.

    Returns:
        (0, S) of a clip without sound: there is nothing to trim towards.
    """
    found = sound_hops(levels_db(samples, rate_hz))
    if found is None:
        return 0, len(samples)
    hop = hop_samples(rate_hz)
    start = found[0] * hop - math.floor(lead_s * rate_hz)
    end = found[1] * hop + math.floor(tail_s * rate_hz)
    return max(0, start), min(len(samples), end)
