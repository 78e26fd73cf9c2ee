"""THE decode loop: CPU and GPU, one request or many, streamed or whole, all pass through here.

One turn drops what is gone, admits what waits, asks for one frame of everything that runs and is
not too far ahead nor without text, takes the frames that are ready, and hands the codec those that
make a chunk. Requests therefore join and leave between frames.

On a device with work of its own the frames that are ready are those of the turn before: the device
is at the next ones while the host looks at them. A take that turns out to have ended meanwhile has
one frame too many under way, which nobody gets.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from intone.core.errors import IntoneError
from intone.core.types import Codes, FinishReason
from intone.engine.codec_queue import CodecQueue
from intone.engine.runner import Runner
from intone.engine.scheduler import Scheduler, Seat

DEFAULT_PREFILL_ROWS = 1024
"""Rows of prompts that may be read between two frames: running streams wait for that long."""


class DecodeLoop:
    """Owns the scheduler and drives the runner; used by one thread."""

    def __init__(
        self, runner: Runner, codec: CodecQueue, prefill_rows: int = DEFAULT_PREFILL_ROWS
    ) -> None:
        self._runner = runner
        self._codec = codec
        self._prefill_rows = prefill_rows
        self._in_flight: deque[Sequence[Seat]] = deque()
        """Launched and not collected, the oldest first."""
        self.scheduler = Scheduler(runner.num_slots, runner.pages)

    @property
    def has_work(self) -> bool:
        """Whether a turn would do anything; if not, only the codec or a new take changes that."""
        scheduler = self.scheduler
        return (
            bool(self._in_flight)
            or any(seat.take.is_gone or seat.can_launch for seat in scheduler.seats)
            or any(take.is_gone for take in scheduler.waiting)
            or scheduler.can_admit(self._codec_room)
        )

    def turn(self) -> None:
        """Asks for one frame of every take that has text and is not too far ahead."""
        self._drop_gone()
        self._admit()
        seats = self._with_memory([seat for seat in self.scheduler.seats if seat.can_launch])
        if seats:
            self._launch(seats)
        while len(self._in_flight) > (self._runner.lag_frames if seats else 0):
            self._collect()
        self._send_starved()

    @property
    def _codec_room(self) -> int:
        """Takes that may be begun: for each slot, one more take may still be in the codec."""
        return 2 * self._runner.num_slots - self._codec.num_takes

    def _drop_gone(self) -> None:
        for take in self.scheduler.drop_gone_waiting():
            if take.is_opened:
                self._codec.look_again()
            else:
                take.emit_cancelled()
        for seat in self.scheduler.seats:
            if seat.take.is_gone:
                self._release(seat)
                self._codec.look_again()

    def _admit(self) -> None:
        admitted = self.scheduler.admit(self._codec_room, self._prefill_rows)
        for seat in admitted:
            if not seat.take.is_opened:
                seat.take.is_opened = True
                self._codec.open(seat.take)
        if admitted:
            self._begin(admitted)

    def _begin(self, seats: Sequence[Seat]) -> None:
        """Prefills seats together; if that fails, one by one shows whose fault it is."""
        try:
            self._runner.begin([seat.start() for seat in seats])
        except IntoneError as error:
            if len(seats) == 1:
                self._release(seats[0])
                self._codec.fail(seats[0].take, error)
            else:
                for seat in seats:
                    self._begin([seat])

    def _with_memory(self, seats: Sequence[Seat]) -> Sequence[Seat]:
        """Returns the seats that keep their slot, each with memory for its next frame."""
        lost, grown = self.scheduler.make_room(seats)
        for seat in lost:
            self._runner.release(seat.slot)
        for slot, pages in grown.items():
            self._runner.grow(slot, pages)
        return [seat for seat in seats if self.scheduler.is_running(seat)] if lost else seats

    def _launch(self, seats: Sequence[Seat]) -> None:
        self._runner.launch([seat.slot for seat in seats])
        for seat in seats:
            seat.num_launched += 1
        self._in_flight.append(seats)

    def _collect(self) -> None:
        seats, batch = self._in_flight.popleft(), self._runner.collect()
        for seat, codes, ended in zip(seats, batch.codes, batch.ended.tolist(), strict=True):
            if self.scheduler.is_running(seat):  # else it ended or lost its slot meanwhile
                self._take_in(seat, codes, ended)

    def _take_in(self, seat: Seat, codes: Codes, ended: bool) -> None:
        take = seat.take
        if ended:
            self._finish(seat, "stop")
            return
        take.add(codes)
        if take.is_full:
            self._finish(seat, "length")
        elif take.is_chunk_due:
            self._codec.put(take, take.hand_over(), None)

    def _send_starved(self) -> None:
        """Sends the last frames before a wait for text: nobody knows how long it will be."""
        for seat in self.scheduler.seats:
            if seat.take.pending and seat.take.is_starved:
                self._codec.put(seat.take, seat.take.hand_over(), None)

    def _finish(self, seat: Seat, reason: FinishReason) -> None:
        """Frees the slot, then hands over: the last chunk finds it free."""
        self._release(seat)
        self._codec.put(seat.take, seat.take.hand_over(), reason)

    def _release(self, seat: Seat) -> None:
        self._runner.release(seat.slot)
        self.scheduler.finish(seat)
