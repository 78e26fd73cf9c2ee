"""The smallest fleet that keeps its promises at a load, found by simulating fleets of each size."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from benchmarks.scaling.fleet import Fleet, play
from benchmarks.scaling.outcome import Outcome
from benchmarks.scaling.takes import MEAN_AUDIO_S, Arrival, poisson_takes, rate_of

from intone.core.constants import FRAME_S

_NUM_TAKES = 6_000
"""That are simulated for each size, so that a p95 is one; more where many play at once."""
_ALONE = [Arrival(0.0, round(MEAN_AUDIO_S / FRAME_S))]
_LEAST_S, _MOST_S = 12.0, 4_000.0
_WARM_SHARE = 0.25
_MOST_PER_LISTENER = 20
"""Replicas; where these do not do, none will."""


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
    near: int | None = None,
    seed: int = 0,
    num_takes: int = _NUM_TAKES,
) -> Need:
    """Returns the smallest fleet, to 5 %, by growing and halving; `num_replicas` is not read.

    A fleet that is larger than one that keeps the promise is taken to keep it too.

    Args:
        near: where to begin; None: where all slots would be taken.
    """
    rate_hz = rate_of(num_listeners)

    def need(num_replicas: int | None, outcome: Outcome) -> Need:
        return Need(
            num_listeners=num_listeners,
            rate_hz=rate_hz,
            num_replicas=num_replicas,
            outcome=outcome,
        )

    def tried(num_replicas: int) -> Outcome:
        return load(fleet, num_replicas, rate_hz, seed=seed, num_takes=num_takes)

    outcome = play(replace(fleet, num_replicas=1), _ALONE, seed).outcome(until_s=math.inf)
    if not promise.is_kept(outcome):
        return need(None, outcome)
    full = num_listeners / fleet.times.capacity_audio_s_per_s(fleet.times.slots)
    lowest, size = _below(tried, promise, near or max(1, math.floor(full)))
    while not promise.is_kept(outcome := tried(size)):
        if size > _MOST_PER_LISTENER * (num_listeners + 1):
            return need(None, outcome)
        lowest, size = size, math.ceil(size * (1.5 if near is None else 1.1))
    while size - lowest > max(1, size // 20):
        middle = (lowest + size) // 2
        found = tried(middle)
        if promise.is_kept(found):
            size, outcome = middle, found
        else:
            lowest = middle
    return need(size, outcome)


def _below(tried: Callable[[int], Outcome], promise: Promise, size: int) -> tuple[int, int]:
    """Returns a size that does not keep the promise, and the next that may."""
    lower = size - max(1, size // 10)
    while lower > 0 and promise.is_kept(tried(lower)):
        size, lower = lower, lower - max(1, lower // 10)
    return lower, size


def load(
    fleet: Fleet, num_replicas: int, rate_hz: float, *, seed: int = 0, num_takes: int = _NUM_TAKES
) -> Outcome:
    """Returns figures of a steady load, its first quarter left out."""
    duration_s = min(_MOST_S, max(_LEAST_S, num_takes / rate_hz))
    takes = poisson_takes(rate_hz, duration_s, seed)
    played = play(replace(fleet, num_replicas=num_replicas), takes, seed)
    return played.outcome(duration_s * _WARM_SHARE)
