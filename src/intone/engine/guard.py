"""Notices that a take has missed its end, while it is being made.

Talkers miss their end token about once in 300 takes (sgl-project/sglang-omni, issue 1179) and then
speak noise, loop or fall silent until their frame budget is full; inside that state no setting of
sampling brings the end back, so such a take is stopped. A guard hears a take's frames in order,
codes and levels, and says how many of the latest are suspect: these are kept back. What it says
depends on the frames alone, never on how they were cut into chunks.
"""

from __future__ import annotations

from typing import Protocol

from intone.core.types import Codes
from intone.engine.guard_loops import FirstCodebookLoop, FrameLoop
from intone.engine.guard_plan import GuardPlan, PlanNow
from intone.engine.guard_stillness import Drone, Hum, Silence
from intone.engine.heard_frame import QUIETEST_DB, HeardFrame, quiet_below_db

BABBLE_HELD_FRAMES = 12
"""Frames before the budget's end that wait for the take to end by itself."""


class Rule(Protocol):
    """One sign of a missed end."""

    @property
    def name(self) -> str:
        """What is reported when it fires."""
        ...

    @property
    def num_suspect(self) -> int:
        """How many of the latest frames are bad if this goes on."""
        ...

    @property
    def has_fired(self) -> bool:
        """Whether the take is to be stopped, and the suspect frames are bad."""
        ...

    def hear(self, frame: HeardFrame) -> None:
        """Judges the next frame."""
        ...


class Babble:
    """More audio than the text can take."""

    name = "babble"

    def __init__(self, plan: PlanNow) -> None:
        self._plan = plan
        self._num_frames = 0

    @property
    def num_suspect(self) -> int:
        return max(0, self._num_frames - max(0, self._plan().budget_frames - BABBLE_HELD_FRAMES))

    @property
    def has_fired(self) -> bool:
        return self._num_frames > self._plan().budget_frames

    def hear(self, frame: HeardFrame) -> None:
        self._num_frames += 1


class TakeGuard:
    """Hears one take, frame by frame; used by one thread."""

    def __init__(self, plan: GuardPlan | PlanNow) -> None:
        """Binds the plan; of a text that is still being written, what says the plan so far."""
        now = (lambda: plan) if isinstance(plan, GuardPlan) else plan
        self._rules: tuple[Rule, ...] = (
            FrameLoop(),
            FirstCodebookLoop(),
            Silence(now),
            Hum(now),
            Drone(),
            Babble(now),
        )
        self._loudest_db = QUIETEST_DB
        self.num_suspect = 0
        """The latest frames that are not to be sent for now; all of them are bad once it fired."""
        self.fired_by: str | None = None
        """The rule that stopped the take: loop, first_codebook_loop, silence, hum, drone, babble;
        None as long as none did."""

    def hear(self, codes: Codes, level_db: float) -> None:
        """Judges the next frame: its codes [K] and its level, RMS in dB of full scale."""
        self._loudest_db = max(self._loudest_db, level_db)
        frame = HeardFrame(
            codes=codes,
            level_db=level_db,
            below_loudest_db=self._loudest_db - level_db,
            is_quiet=level_db < quiet_below_db(self._loudest_db),
        )
        for rule in self._rules:
            rule.hear(frame)
            if rule.has_fired and self.fired_by is None:
                self.fired_by = rule.name
        num_suspect = max(rule.num_suspect for rule in self._rules)
        # What was not suspect once may have been sent: it stays good.
        self.num_suspect = min(num_suspect, self.num_suspect + 1)
