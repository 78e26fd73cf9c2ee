"""One take on its way through the codec: what waits, and when its listener would run dry.

No thread and no clock: the queue that owns a line holds its lock and says what time it is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from intone.core.constants import FRAME_S
from intone.core.errors import IntoneError
from intone.core.types import Codes, FinishReason
from intone.engine.decoder import AudioStream
from intone.engine.take import Take


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """One chunk to be."""

    codes: Codes | None
    """[F, K]; None in a last chunk that only says how the take ended."""
    finish_reason: FinishReason | None

    @property
    def num_frames(self) -> int:
        return 0 if self.codes is None else len(self.codes)


@dataclass(slots=True, eq=False)
class Line:
    """A take's chunks in order."""

    take: Take
    stream: AudioStream | None = None
    """None until the decoder has opened it."""
    jobs: deque[Job] = field(default_factory=deque)
    error: IntoneError | None = None
    """Set by the engine's thread: no frames will come."""
    runs_dry_at_s: float | None = None
    """When everything that was sent will have been heard; None before the first sound."""
    num_passed: int = 0
    """Turns that others had since this line's last audio, while it had work."""

    @property
    def is_doomed(self) -> bool:
        return self.take.is_cancelled or self.error is not None

    @property
    def has_work(self) -> bool:
        return self.stream is None or bool(self.jobs)

    @property
    def has_reference(self) -> bool:
        """Whether opening its stream costs as much as so many frames."""
        return self.take.job.prompt.ref_codes is not None

    def sent(self, num_frames: int, now_s: float) -> None:
        """Notes that audio went out: it is heard from now on, or after what is still unheard."""
        if num_frames:
            begins_at_s = now_s if self.runs_dry_at_s is None else max(self.runs_dry_at_s, now_s)
            self.runs_dry_at_s = begins_at_s + num_frames * FRAME_S

    def next_jobs(self, max_joined_frames: int) -> Sequence[Job]:
        """Returns what the next turn would work off: one chunk, or several of up to so many frames.

        Joined chunks have a power of two of frames, so that takes go on sharing calls.
        """
        first = [self.jobs[0]]
        if self.runs_dry_at_s is None or self.take.keeps_chunk_size:
            return first
        best, num_frames = first, 0
        for count, job in enumerate(self.jobs, start=1):
            num_frames += job.num_frames
            if num_frames > max_joined_frames:
                break
            if num_frames.bit_count() == 1:
                best = list(self.jobs)[:count]
        return best

    def take_out(self, count: int) -> Job:
        """Returns the first jobs as one, and forgets them."""
        jobs = [self.jobs.popleft() for _ in range(count)]
        if count == 1:
            return jobs[0]
        codes = [job.codes for job in jobs if job.codes is not None]
        return Job(np.concatenate(codes) if codes else None, jobs[-1].finish_reason)
