"""THE decode loop: CPU and GPU, one request or many, streamed or whole, all pass through here.

One turn drops what was cancelled, admits what waits, makes one frame for everything that runs, and
hands out the audio that is due. Requests therefore join and leave between frames.
"""

from __future__ import annotations

import numpy as np

from intone.core.errors import IntoneError
from intone.core.types import FinishReason, Samples
from intone.engine.runner import Runner
from intone.engine.scheduler import Scheduler
from intone.engine.take import Take

_NO_SAMPLES: Samples = np.empty(0, dtype=np.float32)


class DecodeLoop:
    """Owns the scheduler and drives the runner; used by one thread."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self.scheduler = Scheduler(runner.num_slots)

    def turn(self) -> None:
        """Makes one frame for every running take."""
        self._drop_cancelled()
        self._admit()
        slots = list(self.scheduler.running)
        if slots:
            self._step(slots)

    def _drop_cancelled(self) -> None:
        for take in self.scheduler.drop_cancelled_waiting():
            take.emit(take.chunk(_NO_SAMPLES, "cancelled"))
        for slot, take in self.scheduler.running.items():
            if take.is_cancelled:
                take.pending.clear()
                self._finish(slot, "cancelled")

    def _admit(self) -> None:
        for slot, take in self.scheduler.admit():
            try:
                self._runner.begin(slot, take.job)
            except IntoneError as error:  # this take alone is at fault
                self._runner.release(slot)
                self.scheduler.finish(slot).emit(error)

    def _step(self, slots: list[int]) -> None:
        batch = self._runner.step(slots)
        running = self.scheduler.running
        for i, slot in enumerate(slots):
            take = running[slot]
            if batch.ended[i]:
                self._finish(slot, "stop")
                continue
            take.add(batch.codes[i])
            if take.is_full:
                self._finish(slot, "length")
            elif take.is_chunk_due:
                take.emit(take.chunk(self._audio(slot, take), None))

    def _finish(self, slot: int, reason: FinishReason) -> None:
        take = self.scheduler.running[slot]
        last = take.chunk(self._audio(slot, take), reason)
        self._runner.release(slot)
        self.scheduler.finish(slot)
        take.emit(last)

    def _audio(self, slot: int, take: Take) -> Samples:
        if not take.pending:
            return _NO_SAMPLES
        return self._runner.decode_audio(slot, take.pending_codes())
