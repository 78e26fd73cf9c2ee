"""How long work takes that a device does by itself, and when to stop asking."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median
from time import perf_counter

import torch

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Budget:
    """The seconds that a part may take: checked between takes, so the last may overrun."""

    seconds: float
    clock: Clock = perf_counter
    started_s: float = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "started_s", self.clock())

    @property
    def left_s(self) -> float:
        return self.started_s + self.seconds - self.clock()

    @property
    def is_over(self) -> bool:
        return self.left_s <= 0

    def part(self, share: float) -> Budget:
        """Returns a budget of that share of what is left."""
        return Budget(max(0.0, self.left_s * share), self.clock)


def wait_for(device: torch.device) -> None:
    """Returns when the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def ms_per_call(
    work: Callable[[], object], device: torch.device, *, calls: int, rounds: int
) -> float:
    """Returns the median over rounds of calls in a row, which a device may run without a pause."""
    work()
    found = []
    for _ in range(rounds):
        wait_for(device)
        started = perf_counter()
        for _ in range(calls):
            work()
        wait_for(device)
        found.append((perf_counter() - started) * 1000 / calls)
    return median(found)


def percentile(values: Sequence[float], percent: float) -> float:
    """Returns a percentile of at least one value, between neighbours where it falls there."""
    ordered = sorted(values)
    place = (len(ordered) - 1) * percent / 100
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)
