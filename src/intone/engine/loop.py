"""THE decode loop: CPU and GPU, one request or many, streamed or whole, all pass through here.

One turn drops what is gone, admits what waits, makes one frame for everything that runs and is not
too far ahead nor without text, and hands the codec the frames that make a chunk. Requests therefore
join and leave between frames.
"""

from __future__ import annotations

from intone.core.errors import IntoneError
from intone.core.types import FinishReason
from intone.engine.codec_queue import CodecQueue
from intone.engine.runner import Runner
from intone.engine.scheduler import Scheduler
from intone.engine.take import Take


class DecodeLoop:
    """Owns the scheduler and drives the runner; used by one thread."""

    def __init__(self, runner: Runner, codec: CodecQueue) -> None:
        self._runner = runner
        self._codec = codec
        self.scheduler = Scheduler(runner.num_slots)

    @property
    def has_work(self) -> bool:
        """Whether a turn would do anything; if not, only the codec or a new take changes that."""
        scheduler = self.scheduler
        return (
            bool(self._ready())
            or any(take.is_gone for take in (*scheduler.running.values(), *scheduler.waiting))
            or (scheduler.can_admit and self._codec_room > 0)
        )

    def turn(self) -> None:
        """Makes one frame for every running take that has text and is not too far ahead."""
        self._drop_gone()
        self._admit()
        slots = self._ready()
        if slots:
            self._step(slots)
            self._send_starved()

    @property
    def _codec_room(self) -> int:
        """Takes that may be begun: for each slot, one more take may still be in the codec."""
        return 2 * self._runner.num_slots - self._codec.num_takes

    def _ready(self) -> list[int]:
        running = self.scheduler.running.items()
        return [slot for slot, take in running if not take.is_ahead and not take.is_starved]

    def _drop_gone(self) -> None:
        for take in self.scheduler.drop_cancelled_waiting():
            take.emit_cancelled()
        for slot, take in self.scheduler.running.items():
            if take.is_gone:
                self._release(slot)
                self._codec.look_again()

    def _admit(self) -> None:
        for slot, take in self.scheduler.admit(self._codec_room):
            self._codec.open(take)
            try:
                self._runner.begin(slot, take.job)
            except IntoneError as error:  # this take alone is at fault
                self._release(slot)
                self._codec.fail(take, error)

    def _step(self, slots: list[int]) -> None:
        batch = self._runner.step(slots)
        running = self.scheduler.running
        for i, slot in enumerate(slots):
            take = running[slot]
            if batch.ended[i]:
                self._finish(slot, take, "stop")
                continue
            take.add(batch.codes[i])
            if take.is_full:
                self._finish(slot, take, "length")
            elif take.is_chunk_due:
                self._codec.put(take, take.hand_over(), None)

    def _send_starved(self) -> None:
        """Sends the last frames before a wait for text: nobody knows how long it will be."""
        for take in self.scheduler.running.values():
            if take.pending and take.is_starved:
                self._codec.put(take, take.hand_over(), None)

    def _finish(self, slot: int, take: Take, reason: FinishReason) -> None:
        """Frees the slot, then hands over: the last chunk finds it free."""
        self._release(slot)
        self._codec.put(take, take.hand_over(), reason)

    def _release(self, slot: int) -> None:
        self._runner.release(slot)
        self.scheduler.finish(slot)
