"""The smallest fleet that keeps its promises at a load, found by simulating fleets of each size."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from benchmarks.scaling.fleet import Fleet, play
from benchmarks.scaling.outcome import Outcome
from benchmarks.scaling.takes import MEAN_AUDIO_S, Arrival, poisson_takes, rate_of

from intone.core.constants import FRAME_S

_NUM_TAKES = 6_000
"""That are simulated for each size, so that a p95 is one; more where many play at once."""
_ALONE = [Arrival(0.0, round(MEAN_AUDIO_S / FRAME_S))]
_LEAST_S, _MOST_S = 30.0, 4_000.0
_WARM_SHARE = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What listeners are to notice."""

    ttfa_p95_s: float = 0.3
    hole_rate: float = 0.01
    refusal_rate: float = 0.001

    def is_kept(self, outcome: Outcome) -> bool:
        """Whether a load went as promised."""
        p95 = outcome.ttfa_p95_s
        return (
            p95 is not None
            and p95 <= self.ttfa_p95_s
            and outcome.hole_rate <= self.hole_rate
            and outcome.refusal_rate <= self.refusal_rate
            and outcome.num_lost == 0
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """A load, and the fleet for it."""

    num_listeners: float
    """Streams that play at the same time, on average."""
    rate_hz: float
    num_replicas: int | None
    """None: not even a take alone on a replica is as promised."""
    outcome: Outcome
    """With so many; without a number, that of the take alone."""


def need_of(
    fleet: Fleet,
    num_listeners: float,
    promise: Promise,
    *,
    seed: int = 0,
    num_takes: int = _NUM_TAKES,
) -> Need:
    """Returns the smallest fleet, to 2 %, by growing and halving; `num_replicas` is not read.

    A fleet that is larger than one that keeps the promise is taken to keep it too.
    """
    rate_hz = rate_of(num_listeners)
    alone = play(replace(fleet, num_replicas=1), _ALONE, seed).outcome(until_s=math.inf)
    if not promise.is_kept(alone):
        return Need(num_listeners=num_listeners, rate_hz=rate_hz, num_replicas=None, outcome=alone)

    def tried(num_replicas: int) -> Outcome:
        return load(fleet, num_replicas, rate_hz, seed=seed, num_takes=num_takes)

    most_audio_s_per_s = fleet.times.capacity_audio_s_per_s(fleet.times.slots)
    lowest, size = 0, max(1, math.floor(num_listeners / most_audio_s_per_s))
    while not promise.is_kept(outcome := tried(size)):
        lowest, size = size, math.ceil(size * 1.5)
    while size - lowest > max(1, size // 50):
        middle = (lowest + size) // 2
        found = tried(middle)
        if promise.is_kept(found):
            size, outcome = middle, found
        else:
            lowest = middle
    return Need(num_listeners=num_listeners, rate_hz=rate_hz, num_replicas=size, outcome=outcome)


def load(
    fleet: Fleet, num_replicas: int, rate_hz: float, *, seed: int = 0, num_takes: int = _NUM_TAKES
) -> Outcome:
    """Returns figures of a steady load, its first quarter left out."""
    duration_s = min(_MOST_S, max(_LEAST_S, num_takes / rate_hz))
    takes = poisson_takes(rate_hz, duration_s, seed)
    played = play(replace(fleet, num_replicas=num_replicas), takes, seed)
    return played.outcome(duration_s * _WARM_SHARE)
