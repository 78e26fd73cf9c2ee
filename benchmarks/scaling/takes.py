"""What arrives: takes of the usual length, when they arrive, done or not the last one.

The mean length is 4.16 s, that of Seed-TTS EN (23.454 audio seconds and 5.635 requests a second in
sgl-project/sglang-omni PR #1635). The distribution is an assumption: gamma with shape 4 (half of
the mean as deviation), rounded to frames, at least five.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from intone.core.constants import FRAME_S

MEAN_AUDIO_S = 4.16
_SHAPE = 4.0
_LEAST_FRAMES = 5
"""A word."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A take to come."""

    at_s: float
    num_frames: int


def rate_of(num_listeners: float, mean_audio_s: float = MEAN_AUDIO_S) -> float:
    """Returns the arrivals a second that keep so many streams playing, on average, in real time."""
    return num_listeners / mean_audio_s


def poisson_takes(
    rate_hz: float, duration_s: float, seed: int, mean_audio_s: float = MEAN_AUDIO_S
) -> list[Arrival]:
    """Returns takes of a Poisson process, in order."""
    rng = np.random.default_rng(seed)
    times_s = np.sort(rng.uniform(0.0, duration_s, rng.poisson(rate_hz * duration_s)))
    audio_s = rng.gamma(_SHAPE, mean_audio_s / _SHAPE, len(times_s))
    frames = np.maximum(_LEAST_FRAMES, np.rint(audio_s / FRAME_S).astype(int))
    return [Arrival(at, num) for at, num in zip(times_s.tolist(), frames.tolist(), strict=True)]


def stepped_takes(rates: Sequence[tuple[float, float]], seed: int) -> list[Arrival]:
    """Returns takes whose rate changes: (rate_hz, duration_s) one after the other."""
    found: list[Arrival] = []
    begin_s = 0.0
    for index, (rate_hz, duration_s) in enumerate(rates):
        part = poisson_takes(rate_hz, duration_s, seed + index)
        found += [Arrival(begin_s + take.at_s, take.num_frames) for take in part]
        begin_s += duration_s
    return found
