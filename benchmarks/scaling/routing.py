"""Which replica gets a request: the ways that were compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]


class Router(Protocol):
    """Chooses by what it knows of each replica."""

    def choose(self, counts: Counts, open_to: Sequence[int]) -> int:
        """Returns a replica.

        Args:
            counts: [R], requests that run or wait on each.
            open_to: replicas that take work; at least one.
        """
        ...


class RoundRobin:
    """One after the other, as a plain Service does on average or a DNS name."""

    def __init__(self) -> None:
        self._next = 0

    def choose(self, counts: Counts, open_to: Sequence[int]) -> int:
        self._next += 1
        return open_to[self._next % len(open_to)]


class AnyOne:
    """At random: what kube-proxy does with connections."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng

    def choose(self, counts: Counts, open_to: Sequence[int]) -> int:
        return open_to[int(self._rng.random() * len(open_to))]


class TwoChoices:
    """The shorter line of two at random: Ray Serve's router (PowerOfTwoChoicesRequestRouter)."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng

    def choose(self, counts: Counts, open_to: Sequence[int]) -> int:
        num = len(open_to)
        if num == 1:
            return open_to[0]
        first = int(self._rng.random() * num)
        second = (first + 1 + int(self._rng.random() * (num - 1))) % num
        one, other = open_to[first], open_to[second]
        return one if counts[one] <= counts[other] else other


class LeastOutstanding:
    """The shortest line of all; one of them at random where there are several."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng

    def choose(self, counts: Counts, open_to: Sequence[int]) -> int:
        lines = counts[list(open_to)] if len(open_to) < len(counts) else counts
        shortest = np.flatnonzero(lines == lines.min())
        return open_to[int(shortest[int(self._rng.random() * len(shortest))])]


def router_of(name: str, rng: np.random.Generator) -> Router:
    """Returns a router by name: round-robin, random, two-choices, least-outstanding."""
    routers: dict[str, Router] = {
        "round-robin": RoundRobin(),
        "random": AnyOne(rng),
        "two-choices": TwoChoices(rng),
        "least-outstanding": LeastOutstanding(rng),
    }
    return routers[name]


ROUTERS = ("round-robin", "random", "two-choices", "least-outstanding")
