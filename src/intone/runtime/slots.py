"""What every runner remembers of a running take, whatever its tensors are. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from intone.runtime.job import SlotJob
from intone.runtime.rng import Uniforms, frame_uniforms

NUM_CONTROL_IDS = 1024
"""The talker's last ids are control ids; of them only the end may be drawn (as upstream)."""


@dataclass(slots=True)
class Slot:
    """One running take."""

    job: SlotJob
    position: int
    """The talker's next row."""
    frame: int = 0
    """The next frame's number."""

    @property
    def may_end(self) -> bool:
        """Whether the end may be drawn instead of this frame."""
        return self.frame >= self.job.min_frames

    def advance(self) -> None:
        """Counts a frame that was made and fed to the talker."""
        self.position += 1
        self.frame += 1


def slot_uniforms(slots: Sequence[Slot], num_codebooks: int) -> Uniforms:
    """Returns the uniform numbers of each slot's next frame, [N, K]: column k for codebook k."""
    return np.stack([frame_uniforms(slot.job.seed, slot.frame, num_codebooks) for slot in slots])
