"""One request inside the engine: what it wants, what it has made, whom it tells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter

import numpy as np

from intone.core.constants import FRAME_S, SAMPLE_RATE_HZ
from intone.core.types import AudioChunk, Codes, FinishReason, Samples, SpeechTiming
from intone.runtime.job import SlotJob

Emit = Callable[[AudioChunk | BaseException], None]
"""Called from a thread of the engine; must return at once. An exception is the last item."""

MAX_FRAMES_AHEAD = 64
"""Frames that may wait for the codec, per take: five seconds of audio, 8 KB of codes.

A chunk is handed over whole, so up to one chunk more may wait.
"""


@dataclass(slots=True, kw_only=True, eq=False)
class Take:
    """A running or waiting request.

    Fields from `pending` on belong to the engine's thread, fields from `num_emitted` on to the one
    that emits; both may read what the other counts.
    """

    job: SlotJob
    max_frames: int
    ramp: Sequence[int]
    """Frames per chunk; the last repeats."""
    emit: Emit
    accepted_at: float = field(default_factory=perf_counter)
    is_cancelled: bool = False
    """Set by any thread; seen before the next frame and before the next decode."""
    pending: list[Codes] = field(default_factory=list)
    """Frames [K] that do not make a chunk yet."""
    num_frames: int = 0
    num_handed_over: int = 0
    """Chunks that the codec was given."""
    num_emitted: int = 0
    """Frames that the caller has heard."""
    ttfa_s: float | None = None
    is_over: bool = False
    """The last chunk or an error went out; nothing follows."""

    def cancel(self) -> None:
        """Asks the engine to drop this take; takes effect within one frame."""
        self.is_cancelled = True

    def add(self, frame: Codes) -> None:
        """Keeps one frame [K]."""
        self.pending.append(frame)
        self.num_frames += 1

    @property
    def is_full(self) -> bool:
        return self.num_frames >= self.max_frames

    @property
    def is_chunk_due(self) -> bool:
        return len(self.pending) >= self.ramp[min(self.num_handed_over, len(self.ramp) - 1)]

    @property
    def is_ahead(self) -> bool:
        """Whether so many frames wait for the codec that no more should be made for now."""
        return self.num_frames - len(self.pending) - self.num_emitted >= MAX_FRAMES_AHEAD

    @property
    def is_gone(self) -> bool:
        """Whether nobody wants another frame: cancelled, or over."""
        return self.is_cancelled or self.is_over

    def hand_over(self) -> Codes | None:
        """Returns the pending frames, [F, K], and forgets them; None if there are none."""
        codes = np.stack(self.pending) if self.pending else None
        self.pending.clear()
        self.num_handed_over += 1
        return codes

    def emit_chunk(
        self, samples: Samples, num_frames: int, finish_reason: FinishReason | None
    ) -> None:
        """Sends the next frames' audio; with a reason it is the last."""
        now_s = perf_counter() - self.accepted_at
        if self.ttfa_s is None:
            self.ttfa_s = now_s
        start = self.num_emitted
        self.num_emitted += num_frames
        self.is_over = finish_reason is not None
        timing = SpeechTiming(ttfa_s=self.ttfa_s, wall_s=now_s, audio_s=self.num_emitted * FRAME_S)
        self.emit(
            AudioChunk(
                samples=samples,
                sample_rate_hz=SAMPLE_RATE_HZ,
                start_frame=start,
                num_frames=num_frames,
                timing=timing,
                seed=self.job.seed,
                finish_reason=finish_reason,
            )
        )

    def emit_error(self, error: BaseException) -> None:
        """Sends an error as the last item."""
        self.is_over = True
        self.emit(error)

    def emit_cancelled(self) -> None:
        """Sends an empty last chunk that says "cancelled"."""
        self.emit_chunk(np.empty(0, dtype=np.float32), 0, "cancelled")
