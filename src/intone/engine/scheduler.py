"""Which take has which slot. Pure bookkeeping: no torch, no clock, no threads.

Invariants, checked by property tests: a slot has at most one take, a take at most one slot, first
come is first served, and every slot is either free or running.
"""

from __future__ import annotations

import heapq
from collections import deque

from intone.engine.take import Take


class Scheduler:
    """Waiting takes in order, running takes by slot."""

    def __init__(self, num_slots: int) -> None:
        self._free = list(range(num_slots))
        self._waiting: deque[Take] = deque()
        self._running: dict[int, Take] = {}

    @property
    def running(self) -> dict[int, Take]:
        """Takes by slot, in slot order."""
        return dict(sorted(self._running.items()))

    @property
    def waiting(self) -> tuple[Take, ...]:
        """Takes without a slot, first come first."""
        return tuple(self._waiting)

    @property
    def num_waiting(self) -> int:
        return len(self._waiting)

    @property
    def is_idle(self) -> bool:
        return not self._waiting and not self._running

    def add(self, take: Take) -> None:
        """Puts a take at the end of the queue."""
        self._waiting.append(take)

    @property
    def can_admit(self) -> bool:
        return bool(self._waiting and self._free)

    def admit(self, limit: int) -> list[tuple[int, Take]]:
        """Moves up to `limit` waiting takes into free slots and returns them, lowest slot first."""
        admitted: list[tuple[int, Take]] = []
        while self.can_admit and len(admitted) < limit:
            slot = heapq.heappop(self._free)
            self._running[slot] = self._waiting.popleft()
            admitted.append((slot, self._running[slot]))
        return admitted

    def finish(self, slot: int) -> Take:
        """Frees a running slot and returns its take."""
        take = self._running.pop(slot)
        heapq.heappush(self._free, slot)
        return take

    def drop_cancelled_waiting(self) -> list[Take]:
        """Takes cancelled takes out of the queue and returns them."""
        dropped = [take for take in self._waiting if take.is_cancelled]
        self._waiting = deque(take for take in self._waiting if not take.is_cancelled)
        return dropped
