"""One replica, as the engine works: a turn reads prompts that got a slot, makes one frame for every
running take, then the audio of chunks that are due, first chunks first. A full line refuses.
"""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass

from benchmarks.scaling.outcome import Take
from benchmarks.scaling.service import ServiceTimes


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """How many wait before a replica says no."""

    max_waiting: int = 64
    """`queue.waiting`; deploy/ray has 8."""
    max_wait_s: float = 30.0
    """`queue.wait_s`."""


@dataclass(slots=True, eq=False)
class _Running:
    take: Take
    began_turn: int
    num_handed: int = 0
    """Frames in chunks that were due."""
    num_chunks: int = 0


class Replica:
    """Takes work, and is told when a turn ends; the clock is the caller's."""

    def __init__(self, times: ServiceTimes, line: Line, buffer_s: float = 0.0) -> None:
        self._times = times
        self._line = line
        self._buffer_s = buffer_s
        self._steps_s = times.steps_s()
        self._waiting: deque[Take] = deque()
        self._due: list[tuple[int, int, _Running]] = []
        """By the turn in which a chunk is complete; one entry for each running take."""
        self._turn = 0
        self._num_begun = 0
        self.is_working = False
        """A turn is under way: its end will come."""
        self.is_alive = True
        self.busy_s = 0.0
        self.slot_s = 0.0
        """Taken slots by the time of their turns."""

    @property
    def num_outstanding(self) -> int:
        """Requests that run or wait: what a router counts."""
        return len(self._due) + len(self._waiting)

    def offer(self, take: Take) -> bool:
        """Puts a take in line; returns False, and refuses it, where the line is full."""
        free = self._times.slots - len(self._due)
        if len(self._waiting) >= max(0, free) + self._line.max_waiting:
            take.fate = "refused"
            return False
        self._waiting.append(take)
        return True

    def turn(self, now_s: float) -> float:
        """Works one turn off; returns when it ends, or `now_s` where there is nothing to do."""
        cost_s = self._admit(now_s)
        if not self._due:
            self.is_working = False
            return now_s
        self.is_working = True
        self._turn += 1
        num_running = len(self._due)
        cost_s += self._steps_s[num_running]
        cost_s = self._hand_over(now_s, cost_s)
        self.busy_s += cost_s
        self.slot_s += num_running * cost_s
        return now_s + cost_s

    def die(self) -> None:
        """Loses every take that runs or waits."""
        self.is_alive = self.is_working = False
        for take in (*self._waiting, *(running.take for _, _, running in self._due)):
            take.fate = "lost"
        self._waiting.clear()
        self._due.clear()

    def _admit(self, now_s: float) -> float:
        """Gives free slots to who waits; returns what reading their prompts takes."""
        num_admitted = 0
        while (
            self._waiting
            and len(self._due) < self._times.slots
            and num_admitted < self._times.prompts_per_turn
        ):
            take = self._waiting.popleft()
            if now_s - take.arrived_s > self._line.max_wait_s:
                take.fate = "refused"
                continue
            num_admitted += 1
            self._num_begun += 1
            self._expect(_Running(take, began_turn=self._turn), self._num_begun)
        if self._times.joins_prompts:
            return self._times.prefill_s * (num_admitted > 0)
        return self._times.prefill_s * num_admitted

    def _expect(self, running: _Running, order: int) -> None:
        ramp = self._times.ramp_frames
        chunk = ramp[min(running.num_chunks, len(ramp) - 1)]
        frame = min(running.num_handed + chunk, running.take.num_frames)
        heapq.heappush(self._due, (running.began_turn + frame, order, running))

    def _hand_over(self, now_s: float, cost_s: float) -> float:
        """Makes audio of chunks that are complete; returns the turn's cost with it."""
        due: list[tuple[int, int, _Running]] = []
        while self._due and self._due[0][0] == self._turn:
            due.append(heapq.heappop(self._due))
        due.sort(key=lambda entry: (entry[2].num_chunks > 0, entry[1]))
        times = self._times
        for _, order, running in due:
            num_frames = self._turn - running.began_turn - running.num_handed
            cost_s += num_frames * times.codec_frame_s
            running.num_handed += num_frames
            running.num_chunks += 1
            at_s = now_s + cost_s + times.overhead_s
            running.take.hear(at_s, num_frames, times.silent_s, self._buffer_s)
            if running.num_handed == running.take.num_frames:
                running.take.fate = "served"
            else:
                self._expect(running, order)
        return cost_s
