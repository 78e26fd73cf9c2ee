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
"""Called from the engine's thread; must return at once. An exception is the last thing emitted."""


@dataclass(slots=True, kw_only=True, eq=False)
class Take:
    """A running or waiting request. Fields below `emit` belong to the engine's thread."""

    job: SlotJob
    max_frames: int
    ramp: Sequence[int]
    """Frames per chunk; the last repeats."""
    emit: Emit
    accepted_at: float = field(default_factory=perf_counter)
    is_cancelled: bool = False
    """Set by any thread; seen before the next frame."""
    pending: list[Codes] = field(default_factory=list)
    """Frames [K] that are not audio yet."""
    num_frames: int = 0
    num_emitted: int = 0
    num_chunks: int = 0
    ttfa_s: float | None = None

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
        return len(self.pending) >= self.ramp[min(self.num_chunks, len(self.ramp) - 1)]

    def pending_codes(self) -> Codes:
        """Returns the frames that wait for the codec, [F, K]."""
        return np.stack(self.pending)

    def chunk(self, samples: Samples, finish_reason: FinishReason | None) -> AudioChunk:
        """Returns the pending frames as a chunk and forgets them."""
        now_s = perf_counter() - self.accepted_at
        if self.ttfa_s is None:
            self.ttfa_s = now_s
        num_frames, start = len(self.pending), self.num_emitted
        self.pending.clear()
        self.num_emitted += num_frames
        self.num_chunks += 1
        return AudioChunk(
            samples=samples,
            sample_rate_hz=SAMPLE_RATE_HZ,
            start_frame=start,
            num_frames=num_frames,
            timing=SpeechTiming(
                ttfa_s=self.ttfa_s, wall_s=now_s, audio_s=self.num_emitted * FRAME_S
            ),
            seed=self.job.seed,
            finish_reason=finish_reason,
        )
