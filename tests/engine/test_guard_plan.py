"""The guard of a text that is still being written."""

from __future__ import annotations

from tests.engine.scripted import silence, speech

from intone.core.types import Codes
from intone.engine.guard import TakeGuard
from intone.engine.guard_plan import OPEN_PLAN, GuardPlan, plan_of_growing
from intone.engine.guard_stillness import EARLY, LATE
from intone.text.duration import expected_duration

TEXT = "Hello world."


def hear(guard: TakeGuard, codes: Codes) -> None:
    for frame in codes:
        guard.hear(frame, -float(frame[1]))


def test_nothing_is_too_long_until_the_text_is_over() -> None:
    texts: list[str] = []
    plan = plan_of_growing(lambda: texts[0] if texts else None, "english")
    assert plan() is OPEN_PLAN
    texts.append(TEXT)
    assert plan() == GuardPlan.of(expected_duration(TEXT, "english"))


def test_a_pause_of_open_text_is_waited_for_as_one_inside_a_text() -> None:
    guard = TakeGuard(plan_of_growing(lambda: None, "english"))
    hear(guard, speech(10))
    hear(guard, silence(EARLY.limit_frames)[: LATE.limit_frames + 2])
    assert guard.fired_by is None
    hear(guard, silence(EARLY.limit_frames)[LATE.limit_frames + 2 :])
    assert guard.fired_by == "silence"


def test_the_whole_text_decides_as_soon_as_it_is_over() -> None:
    texts: list[str] = []
    guard = TakeGuard(plan_of_growing(lambda: texts[0] if texts else None, "english"))
    frames = GuardPlan.of(expected_duration(TEXT, "english")).budget_frames
    codes = speech(frames + 1)
    hear(guard, codes[:-1])
    assert guard.fired_by is None
    assert guard.num_suspect == 0
    texts.append(TEXT)
    hear(guard, codes[-1:])
    assert guard.fired_by == "babble"
