"""One request inside the engine: what it wants, what it has made, whom it tells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter

import numpy as np

from intone.core.constants import FRAME_S, SAMPLE_RATE_HZ
from intone.core.types import AudioChunk, Codes, FinishReason, Samples, SpeechTiming
from intone.engine.guard import TakeGuard
from intone.engine.held import NO_SAMPLES, Outgoing, Outlet
from intone.engine.leak import LeakWatch
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

    Fields from `is_opened` on belong to the engine's thread, fields from `num_decoded` on to the
    one that emits; both may read what the other counts.
    """

    job: SlotJob
    max_frames: int
    ramp: Sequence[int]
    """Frames per chunk; the last repeats."""
    emit: Emit
    guard: TakeGuard | None = None
    """Stops the take when it misses its end; one for each take."""
    leak: LeakWatch | None = None
    """Cuts an echo of an ICL reference off the start; one for each take."""
    accepted_at: float = field(default_factory=perf_counter)
    is_cancelled: bool = False
    """Set by any thread; seen before the next frame and before the next decode."""
    is_opened: bool = False
    """Set by the engine's thread: the codec knows this take, and tells how it ended."""
    made: list[Codes] = field(default_factory=list)
    """Every frame [K] so far: what is computed again should the take lose its slot."""
    pending: list[Codes] = field(default_factory=list)
    """Frames [K] that do not make a chunk yet."""
    num_handed_over: int = 0
    """Chunks that the codec was given."""
    num_decoded: int = 0
    """Frames that are audio; those that are kept back, or were cut, included."""
    num_emitted: int = 0
    """Frames that the caller has heard."""
    ttfa_s: float | None = None
    is_over: bool = False
    """The last chunk or an error went out; nothing follows."""
    outlet: Outlet = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.outlet = Outlet(guard=self.guard, leak=self.leak)

    def cancel(self) -> None:
        """Asks the engine to drop this take; takes effect within one frame."""
        self.is_cancelled = True

    def add(self, frame: Codes) -> None:
        """Keeps one frame [K]."""
        self.made.append(frame)
        self.pending.append(frame)

    @property
    def num_frames(self) -> int:
        return len(self.made)

    @property
    def num_rows(self) -> int:
        """Rows that a prefill reads: the prompt, and the frames made so far."""
        return self.job.prompt.num_rows + len(self.made)

    def made_codes(self) -> Codes | None:
        """Returns every frame so far, [F, K]; None before the first."""
        return np.stack(self.made) if self.made else None

    @property
    def is_full(self) -> bool:
        return self.num_frames >= self.max_frames

    @property
    def is_chunk_due(self) -> bool:
        return len(self.pending) >= self.ramp[min(self.num_handed_over, len(self.ramp) - 1)]

    @property
    def keeps_chunk_size(self) -> bool:
        """Whether chunks of one size were asked for, rather than a ramp."""
        return len(self.ramp) == 1

    @property
    def is_ahead(self) -> bool:
        """Whether so many frames wait for the codec that no more should be made for now."""
        return self.num_frames - len(self.pending) - self.num_decoded >= MAX_FRAMES_AHEAD

    @property
    def is_starved(self) -> bool:
        """Whether the next frame has to wait for text that is still being written."""
        return not self.job.prompt.knows_text_of_frame(self.num_frames)

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

    def hear(
        self, codes: Codes | None, samples: Samples, finish_reason: FinishReason | None
    ) -> Outgoing | None:
        """Takes the next frames [F, K] and their audio; returns what may be sent, if anything is.

        What it returns is to be sent; with a reason, it is the last.
        """
        self.num_decoded += 0 if codes is None else len(codes)
        return self.outlet.pass_on(codes, samples, finish_reason)

    def send(self, outgoing: Outgoing) -> None:
        """Sends a chunk to the caller."""
        now_s = perf_counter() - self.accepted_at
        if self.ttfa_s is None:
            self.ttfa_s = now_s
        self.num_emitted += outgoing.num_frames
        self.is_over = outgoing.finish_reason is not None
        timing = SpeechTiming(ttfa_s=self.ttfa_s, wall_s=now_s, audio_s=self.num_emitted * FRAME_S)
        self.emit(
            AudioChunk(
                samples=outgoing.samples,
                sample_rate_hz=SAMPLE_RATE_HZ,
                start_frame=outgoing.start_frame,
                num_frames=outgoing.num_frames,
                timing=timing,
                seed=self.job.seed,
                finish_reason=outgoing.finish_reason,
                num_leaked_frames=self.outlet.num_leaked,
            )
        )

    def emit_error(self, error: BaseException) -> None:
        """Sends an error as the last item."""
        self.is_over = True
        self.emit(error)

    def emit_cancelled(self) -> None:
        """Sends an empty last chunk that says "cancelled"; what was kept back is dropped."""
        start = self.outlet.num_leaked + self.num_emitted
        self.send(Outgoing(NO_SAMPLES, start, 0, "cancelled"))
