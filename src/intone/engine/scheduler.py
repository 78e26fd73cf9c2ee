"""Which take has which slot and which pages. Pure bookkeeping: no torch, no clock, no threads.

Invariants, checked by property tests: a slot has at most one take, a take at most one slot, first
come is first served, every slot is either free or running, every page is free or of one seat, and
the oldest take always gets the memory it needs.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from intone.engine.pages import PagePool
from intone.engine.take import Take
from intone.runtime.job import PageLayout, SlotStart


@dataclass(slots=True, kw_only=True, eq=False)
class Seat:
    """A running take, with the slot and the memory that it has for now."""

    slot: int
    take: Take
    pages: list[int]
    num_launched: int
    """Frames of the take that were asked for; those of an earlier seat included."""

    @property
    def can_launch(self) -> bool:
        """Whether another frame can and should be asked for."""
        take = self.take
        return (
            self.num_launched < take.max_frames
            and not take.is_ahead
            and take.job.prompt.knows_text_of_frame(self.num_launched)
        )

    @property
    def num_positions(self) -> int:
        """Rows that its next frame needs memory for."""
        return self.take.job.prompt.num_rows + self.num_launched + 1

    def start(self) -> SlotStart:
        """Returns what a runner begins this seat with."""
        take = self.take
        return SlotStart(
            slot=self.slot, job=take.job, pages=tuple(self.pages), frames=take.made_codes()
        )


class Scheduler:
    """Waiting takes in order, seats by slot, and the pages that seats hold."""

    def __init__(self, num_slots: int, layout: PageLayout) -> None:
        self._free = list(range(num_slots))
        self._pages = PagePool(layout)
        self._waiting: deque[Take] = deque()
        self._seats: dict[int, Seat] = {}
        """By slot, the take that came first in front."""

    @property
    def seats(self) -> Sequence[Seat]:
        """Running takes in slot order."""
        return [self._seats[slot] for slot in sorted(self._seats)]

    @property
    def running(self) -> dict[int, Take]:
        """Takes by slot, in slot order."""
        return {seat.slot: seat.take for seat in self.seats}

    @property
    def waiting(self) -> tuple[Take, ...]:
        """Takes without a slot, first come first."""
        return tuple(self._waiting)

    @property
    def num_waiting(self) -> int:
        return len(self._waiting)

    @property
    def num_free_pages(self) -> int:
        return self._pages.num_free

    @property
    def is_idle(self) -> bool:
        return not self._waiting and not self._seats

    def add(self, take: Take) -> None:
        """Puts a take at the end of the queue."""
        self._waiting.append(take)

    def is_running(self, seat: Seat) -> bool:
        """Whether a seat still is what its slot holds."""
        return self._seats.get(seat.slot) is seat

    def can_admit(self, room: int) -> bool:
        """Whether `admit` would move a take, with room for that many new ones."""
        return bool(self._waiting and self._free) and (
            (room > 0 or self._waiting[0].is_opened) and self._fits(self._waiting[0])
        )

    def admit(self, room: int, max_rows: int) -> list[Seat]:
        """Moves waiting takes into free slots and returns their seats, lowest slot first.

        Args:
            room: takes that never had a slot and may get one.
            max_rows: rows that may be prefilled; the first take may need more.
        """
        admitted: list[Seat] = []
        rows = 0
        while self.can_admit(room):
            take = self._waiting[0]
            rows += take.num_rows
            if admitted and rows > max_rows:
                break
            room -= 0 if take.is_opened else 1
            admitted.append(self._seat(self._waiting.popleft()))
        return admitted

    def _fits(self, take: Take) -> bool:
        """Whether there is memory for a take, and a page for each running one that may grow.

        One that lost its memory must be able to grow, too: else it would be read again only to be
        sent away with the next frame.
        """
        may_grow = sum(len(seat.pages) < self._most_pages(seat.take) for seat in self.seats)
        needed = self._first_pages(take)
        needed += take.is_opened and needed < self._most_pages(take)
        return self._pages.num_free >= needed + may_grow

    def _first_pages(self, take: Take) -> int:
        return self._pages.layout.pages_for(take.num_rows + 1)

    def _most_pages(self, take: Take) -> int:
        return self._pages.layout.pages_for(take.job.prompt.num_rows + take.max_frames)

    def _seat(self, take: Take) -> Seat:
        pages = self._pages.borrow(self._first_pages(take))
        assert pages is not None
        slot = heapq.heappop(self._free)
        seat = Seat(slot=slot, take=take, pages=pages, num_launched=take.num_frames)
        self._seats[slot] = seat
        return seat

    def make_room(self, seats: Iterable[Seat]) -> tuple[list[Seat], dict[int, list[int]]]:
        """Gives each seat memory for its next frame, the take that came first before the others.

        Where there is none left, the take that came last loses its slot and waits again, first in
        the queue: its frames are kept, and are computed, not drawn, once more.

        Returns:
            The seats that lost their slot, the last come first, and new pages by slot.
        """
        wanted = {seat.slot for seat in seats}
        lost: list[Seat] = []
        grown: dict[int, list[int]] = {}
        for seat in list(self._seats.values()):
            if seat.slot not in wanted or not self.is_running(seat):
                continue
            missing = self._pages.layout.pages_for(seat.num_positions) - len(seat.pages)
            while missing > 0 and self.is_running(seat):
                pages = self._pages.borrow(missing)
                if pages is None:
                    lost.append(self._take_away())
                    continue
                seat.pages.extend(pages)
                grown[seat.slot] = pages
                missing = 0
        return lost, {slot: pages for slot, pages in grown.items() if slot in self._seats}

    def _take_away(self) -> Seat:
        """Sends the take that came last back into the queue."""
        seat = self._seats[next(reversed(self._seats))]
        self.finish(seat)
        self._waiting.appendleft(seat.take)
        return seat

    def finish(self, seat: Seat) -> None:
        """Frees a running seat's slot and pages."""
        del self._seats[seat.slot]
        self._pages.give_back(seat.pages)
        heapq.heappush(self._free, seat.slot)

    def drop_gone_waiting(self) -> list[Take]:
        """Takes takes that nobody wants any more out of the queue and returns them."""
        dropped = [take for take in self._waiting if take.is_gone]
        if dropped:
            self._waiting = deque(take for take in self._waiting if not take.is_gone)
        return dropped
