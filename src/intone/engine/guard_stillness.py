"""Signs of a missed end in the levels: near-silence, a hum, a drone that does not change.

A pause inside a text is natural and may be long, so how long one may last depends on how much has
been spoken before it. What is kept back meanwhile is silence: it costs nobody anything.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from intone.engine.guard_plan import PlanNow
from intone.engine.heard_frame import HeardFrame

_SPREAD_DB = 3.0
"""Frames within 1.5 dB around their middle are of one level; those of speech spread over 20."""
_HUM_BELOW_LOUDEST_DB = 15.0

_DRONE_SENT_FRAMES = 12
_DRONE_FRAMES = 50
"""Four seconds at one level: longer than a held vowel."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How a pause is treated."""

    sent_frames: int
    """The natural length, which is sent at once."""
    limit_frames: int
    """So long, and the take is stopped."""


EARLY = Patience(sent_frames=12, limit_frames=37)
"""Where less was spoken than the text needs at least: three seconds."""
MIDDLE = Patience(sent_frames=6, limit_frames=31)
LATE = Patience(sent_frames=3, limit_frames=25)
"""Where the text may well be over: a quarter of a second is heard, two seconds are waited for."""


class Silence:
    """Near-silence that lasts."""

    name = "silence"

    def __init__(self, plan: PlanNow) -> None:
        self._pause = _Pause(plan)

    @property
    def num_suspect(self) -> int:
        return self._pause.num_suspect

    @property
    def has_fired(self) -> bool:
        return self._pause.is_too_long

    def hear(self, frame: HeardFrame) -> None:
        self._pause.add(self._pause.num_still + 1 if frame.is_quiet else 0)


class Hum:
    """A sound of one level, well below the voice, that lasts."""

    name = "hum"

    def __init__(self, plan: PlanNow) -> None:
        self._pause = _Pause(plan)
        self._levels = _SteadyLevels()

    @property
    def num_suspect(self) -> int:
        return self._pause.num_suspect

    @property
    def has_fired(self) -> bool:
        return self._pause.is_too_long

    def hear(self, frame: HeardFrame) -> None:
        if frame.below_loudest_db <= _HUM_BELOW_LOUDEST_DB:
            self._levels.clear()
            self._pause.add(0)
        else:
            self._pause.add(self._levels.add(frame.level_db))


class Drone:
    """A sound of one level, however loud, that lasts very long."""

    name = "drone"

    def __init__(self) -> None:
        self._levels = _SteadyLevels()
        self._num_steady = 0

    @property
    def num_suspect(self) -> int:
        return max(0, self._num_steady - _DRONE_SENT_FRAMES)

    @property
    def has_fired(self) -> bool:
        return self._num_steady >= _DRONE_FRAMES

    def hear(self, frame: HeardFrame) -> None:
        if frame.is_quiet:  # a pause, for which other limits hold
            self._levels.clear()
            self._num_steady = 0
        else:
            self._num_steady = self._levels.add(frame.level_db)


class _Pause:
    """Counts the latest frames that are still, and knows for how long they may be."""

    def __init__(self, plan: PlanNow) -> None:
        self._plan = plan
        self._num_frames = 0
        self.num_still = 0

    def add(self, num_still: int) -> None:
        """Counts one more frame, with which so many of the latest are still."""
        self._num_frames += 1
        self.num_still = num_still

    @property
    def num_suspect(self) -> int:
        return max(0, self.num_still - self._patience.sent_frames)

    @property
    def is_too_long(self) -> bool:
        return self.num_still >= self._patience.limit_frames

    @property
    def _patience(self) -> Patience:
        num_spoken = self._num_frames - self.num_still
        plan = self._plan()
        if num_spoken < plan.shortest_frames:
            return EARLY
        return MIDDLE if num_spoken < plan.typical_frames else LATE


class _SteadyLevels:
    """The longest run of latest levels that lie close together."""

    def __init__(self) -> None:
        self._levels: deque[float] = deque(maxlen=_DRONE_FRAMES)

    def clear(self) -> None:
        self._levels.clear()

    def add(self, level_db: float) -> int:
        """Returns how many of the latest levels, this one included, are of one level."""
        self._levels.append(level_db)
        while max(self._levels) - min(self._levels) > _SPREAD_DB:
            self._levels.popleft()
        return len(self._levels)
