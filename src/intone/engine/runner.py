"""What the engine needs of a device: slots that are filled, stepped and released."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from intone.runtime.job import FrameBatch, SlotJob


class Runner(Protocol):
    """Runs steps for slots; called from the engine's thread only. A fake is a dozen lines."""

    @property
    def num_slots(self) -> int:
        """How many requests can run at once."""
        ...

    def begin(self, slot: int, job: SlotJob) -> None:
        """Prefills a free slot."""
        ...

    def step(self, slots: Sequence[int]) -> FrameBatch:
        """Makes one frame for each slot, in that order."""
        ...

    def release(self, slot: int) -> None:
        """Frees a slot; it may be begun again at once."""
        ...

    def close(self) -> None:
        """Frees the device's memory."""
        ...
