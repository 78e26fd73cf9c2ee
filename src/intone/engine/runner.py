"""What the engine needs of a device: slots that are filled, stepped and released."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from intone.runtime.job import FrameBatch, PageLayout, SlotStart


class Runner(Protocol):
    """Runs steps for slots; called from the engine's thread only. A fake is a dozen lines.

    Frames are asked for and fetched in two calls, so that a device may work on the next frame while
    the host looks at the last one.
    """

    @property
    def num_slots(self) -> int:
        """How many requests can run at once."""
        ...

    @property
    def pages(self) -> PageLayout:
        """The memory that slots are given pages of; the pages are numbered from 0."""
        ...

    @property
    def lag_frames(self) -> int:
        """How many launched frames are best left uncollected: 0 where a launch is the work."""
        ...

    def begin(self, starts: Sequence[SlotStart]) -> None:
        """Prefills free slots.

        Raises:
            IntoneError: what it was given is at fault; none of the slots was begun.
        """
        ...

    def grow(self, slot: int, pages: Sequence[int]) -> None:
        """Gives a running slot more pages, after those it has."""
        ...

    def launch(self, slots: Sequence[int]) -> None:
        """Starts one frame for each slot; every slot has a page for it."""
        ...

    def collect(self) -> FrameBatch:
        """Returns the oldest launched frames that were not collected, in their order of slots."""
        ...

    def release(self, slot: int) -> None:
        """Frees a slot and its pages; all may be used again at once, launched frames or not."""
        ...

    def close(self) -> None:
        """Frees the device's memory."""
        ...
