"""Signs of a missed end in the codes: the same frames over and over.

Drawn frames do not repeat: of sixteen codebooks one would differ. Codebook 0 alone repeats for a
while in a held vowel, and everything may in a pause, for which the rules of stillness hold.
"""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

from intone.engine.heard_frame import HeardFrame

MAX_PERIOD_FRAMES = 25
"""Two seconds; what repeats later is a refrain."""

SoundT = TypeVar("SoundT")

_LEAST_REPEATED_FRAMES = 12
_LEAST_PERIODS = 2

_FIRST_CODEBOOK_SENT_FRAMES = 12
_FIRST_CODEBOOK_FRAMES = 50
_FIRST_CODEBOOK_PERIODS = 4


class FrameLoop:
    """Whole frames that repeat with any period; suspect from the first repeated one on."""

    name = "loop"

    def __init__(self) -> None:
        self._repeats = _Repeats[bytes]()

    @property
    def num_suspect(self) -> int:
        return self._repeats.longest

    @property
    def has_fired(self) -> bool:
        return self._repeats.has(_LEAST_REPEATED_FRAMES, _LEAST_PERIODS)

    def hear(self, frame: HeardFrame) -> None:
        self._repeats.add(frame.codes.tobytes(), is_quiet=frame.is_quiet)


class FirstCodebookLoop:
    """Codebook 0 repeats while the others are drawn anew."""

    name = "first_codebook_loop"

    def __init__(self) -> None:
        self._repeats = _Repeats[int]()

    @property
    def num_suspect(self) -> int:
        return max(0, self._repeats.longest - _FIRST_CODEBOOK_SENT_FRAMES)

    @property
    def has_fired(self) -> bool:
        return self._repeats.has(_FIRST_CODEBOOK_FRAMES, _FIRST_CODEBOOK_PERIODS)

    def hear(self, frame: HeardFrame) -> None:
        self._repeats.add(int(frame.codes[0]), is_quiet=frame.is_quiet)


class _Repeats(Generic[SoundT]):
    """For how long a take has repeated what it said one period earlier, for every period."""

    def __init__(self) -> None:
        self._past: deque[SoundT] = deque(maxlen=MAX_PERIOD_FRAMES)
        """The latest first."""
        self._runs: dict[int, int] = {}
        """Repeated frames by period, where the latest is one."""
        self._num_quiet = 0

    @property
    def longest(self) -> int:
        return max(self._runs.values(), default=0)

    def has(self, num_frames: int, num_periods: int) -> bool:
        """Whether so many frames, and so many periods, are repeated."""
        runs = self._runs.items()
        return any(run >= max(num_frames, num_periods * period) for period, run in runs)

    def add(self, sound: SoundT, *, is_quiet: bool) -> None:
        """Compares the next frame; a period that lies in a pause as a whole does not count."""
        self._num_quiet = self._num_quiet + 1 if is_quiet else 0
        self._runs = {
            period: self._runs.get(period, 0) + 1
            for period, past in enumerate(self._past, start=1)
            if past == sound and period > self._num_quiet
        }
        self._past.appendleft(sound)
