"""When requests come, and what they ask for: an open loop, the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

TEXTS = (
    "The kettle is on, and the bread is almost done.",
    "Please mind the step when you leave the train at the next station.",
    "She read the letter twice before she answered it.",
    "Rain is expected in the north this evening, and wind along the coast.",
    "Your table for four is ready by the window.",
    "He counted the boats as they came home, one after the other.",
    "The library closes at seven today, and opens again on Monday.",
    "Turn left at the old mill, then follow the river for a mile.",
)


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request to come."""

    at_s: float
    """Since the start of the load."""
    text: str
    seed: int


def poisson_arrivals(
    rate_hz: float, duration_s: float, seed: int, texts: Sequence[str] = TEXTS
) -> list[Arrival]:
    """Returns arrivals of a Poisson process; a busy server does not slow them down."""
    rng, at_s, found = random.Random(seed), 0.0, list[Arrival]()
    while (at_s := at_s + rng.expovariate(rate_hz)) < duration_s:
        found.append(Arrival(at_s, rng.choice(texts), rng.randrange(2**31)))
    return found
