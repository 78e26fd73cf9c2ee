"""A take's audio on its way out: what is suspect waits, what is bad never leaves.

Frames come in order, in chunks of any size; what goes out in the end does not depend on the sizes.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from intone.core.constants import SAMPLES_PER_FRAME
from intone.core.types import Codes, FinishReason, Samples
from intone.engine.guard import TakeGuard
from intone.engine.heard_frame import frame_levels_db
from intone.engine.leak import LeakWatch

NO_SAMPLES: Samples = np.empty(0, dtype=np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Outgoing:
    """Audio that may be sent now."""

    samples: Samples
    """[num_frames * 1920]."""
    start_frame: int
    """Of the take, frames that were cut off its start included."""
    num_frames: int
    finish_reason: FinishReason | None


@dataclass(frozen=True, slots=True, eq=False)
class _Frame:
    codes: Codes
    samples: Samples
    level_db: float


@dataclass(slots=True, kw_only=True, eq=False)
class Outlet:
    """Holds frames back; used by the thread that makes audio."""

    guard: TakeGuard | None = None
    leak: LeakWatch | None = None
    """None as soon as it is decided."""
    num_leaked: int = 0
    """Frames that were cut off the start."""
    _held: deque[_Frame] = field(default_factory=deque)
    _num_judged: int = 0
    """Held frames that the guard has heard."""
    _next_frame: int = 0
    """Index of the first held frame, or of the next to come."""

    def __post_init__(self) -> None:
        if self.leak is not None and self.leak.is_decided:
            self.leak = None

    def pass_on(
        self, codes: Codes | None, samples: Samples, finish_reason: FinishReason | None
    ) -> Outgoing | None:
        """Returns what may be sent after these frames [F, K] with their samples [F * 1920].

        None: nothing for now. With a reason, these frames were the last, and nothing is kept back
        any more. If the guard fires, its reason stands instead, and nothing follows.
        """
        if codes is not None:
            self._listen(codes, samples)
        if finish_reason is not None:
            self._judge()  # what may be a leak still was meant so
        if self._has_fired:
            return self._cut()
        num_frames = len(self._held) if finish_reason is not None else self._num_good
        if num_frames == 0 and finish_reason is None:
            return None
        return self._release(num_frames, finish_reason)

    def _listen(self, codes: Codes, samples: Samples) -> None:
        rows = samples.reshape(-1, SAMPLES_PER_FRAME)
        for frame in map(_Frame, codes, rows, frame_levels_db(samples).tolist()):
            self._held.append(frame)
            if self.leak is not None:
                self._watch(self.leak, frame)
            if self.leak is None:
                self._judge()

    def _watch(self, leak: LeakWatch, frame: _Frame) -> None:
        """Lets the watch hear a frame; when it is done, what leaked goes and it is forgotten."""
        leak.hear(frame.codes, frame.level_db)
        if leak.is_decided:
            self.leak = None
            self.num_leaked = self._next_frame = leak.num_leaked
            for _ in range(leak.num_leaked):
                self._held.popleft()

    def _judge(self) -> None:
        """Lets the guard hear what is no leak, up to the frame at which it fires."""
        while self._num_judged < len(self._held) and not self._has_fired:
            frame = self._held[self._num_judged]
            self._num_judged += 1
            if self.guard is not None:
                self.guard.hear(frame.codes, frame.level_db)

    @property
    def _has_fired(self) -> bool:
        return self.guard is not None and self.guard.fired_by is not None

    @property
    def _num_good(self) -> int:
        """Held frames that may go out now."""
        return self._num_judged - (0 if self.guard is None else self.guard.num_suspect)

    def _cut(self) -> Outgoing:
        """Returns what is good, and the first bad frame as it fades away."""
        num_good = self._num_good
        fading = self._held[num_good]
        fade = np.linspace(1, 0, SAMPLES_PER_FRAME, dtype=np.float32)
        self._held[num_good] = _Frame(fading.codes, fading.samples * fade, fading.level_db)
        last = self._release(num_good + 1, "guard")
        self._held.clear()
        return last

    def _release(self, num_frames: int, finish_reason: FinishReason | None) -> Outgoing:
        frames = [self._held.popleft().samples for _ in range(num_frames)]
        start = self._next_frame
        self._next_frame += num_frames
        self._num_judged = max(0, self._num_judged - num_frames)
        samples = np.concatenate(frames) if frames else NO_SAMPLES
        return Outgoing(samples, start, num_frames, finish_reason)
