"""What is to be expected of one take, for its guard."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from intone.core.constants import FRAME_RATE_HZ
from intone.text.duration import Duration, expected_duration


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardPlan:
    """What is to be expected of one take."""

    shortest_frames: int
    """Nobody says the text quicker; before it a long pause is likely a pause."""
    typical_frames: int
    budget_frames: int
    """More is not this text any more."""

    @classmethod
    def of(cls, expected: Duration) -> GuardPlan:
        """Returns the plan for a text of this duration."""
        return cls(
            shortest_frames=math.ceil(expected.shortest_s * FRAME_RATE_HZ),
            typical_frames=math.ceil(expected.typical_s * FRAME_RATE_HZ),
            budget_frames=math.ceil(expected.longest_s * FRAME_RATE_HZ),
        )


OPEN_PLAN = GuardPlan(shortest_frames=2**31, typical_frames=2**31, budget_frames=2**31)
"""Of a text whose end is not written yet: nothing is too long, and a pause may be a pause. Such a
take cannot run away, since each of its frames waits for a token."""

PlanNow = Callable[[], GuardPlan]
"""Says what is to be expected by now."""


def plan_of_growing(text_if_over: Callable[[], str | None], language: str) -> PlanNow:
    """Returns what says the plan of a text that is still being written.

    Args:
        text_if_over: returns the whole text as soon as it is over, and None until then.
    """
    known: list[GuardPlan] = []

    def plan() -> GuardPlan:
        if known:
            return known[0]
        text = text_if_over()
        if text is None:
            return OPEN_PLAN
        known.append(GuardPlan.of(expected_duration(text, language)))
        return known[0]

    return plan
