"""Runners whose launch is the work: nothing is left in flight. No torch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence

from intone.runtime.job import FrameBatch, PageLayout, SlotJob, SlotStart


class ImmediateRunner(ABC):
    """A dense cache, one page per slot, and steps that return their frames."""

    lag_frames = 0

    def __init__(self, num_slots: int, num_positions: int) -> None:
        self.num_slots = num_slots
        self.pages = PageLayout(num_pages=num_slots, page_positions=num_positions)
        self._made: deque[FrameBatch] = deque()

    @abstractmethod
    def prefill(self, slot: int, job: SlotJob) -> None:
        """Fills a free slot with the job's prompt."""

    @abstractmethod
    def step(self, slots: Sequence[int]) -> FrameBatch:
        """Makes one frame for each slot, in that order."""

    def begin(self, starts: Sequence[SlotStart]) -> None:
        """Prefills free slots, one after the other."""
        for start in starts:
            assert start.frames is None, "a slot that has all its memory is never taken away"
            self.prefill(start.slot, start.job)

    def grow(self, slot: int, pages: Sequence[int]) -> None:
        """Never called: a slot has all its memory from the start."""
        raise AssertionError(f"slot {slot} has one page, which holds every position")

    def launch(self, slots: Sequence[int]) -> None:
        """Makes one frame for each slot, now."""
        self._made.append(self.step(slots))

    def collect(self) -> FrameBatch:
        """Returns the frames of the oldest launch."""
        return self._made.popleft()
