"""What goes into a slot and what comes out of a step. No torch: fakes and the scheduler use it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from intone.core.constants import MIN_FRAMES_BEFORE_EOS
from intone.core.types import Codes, SamplingParams
from intone.prompt.talker_prompt import TalkerPrompt


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SlotJob:
    """One take, resolved."""

    prompt: TalkerPrompt
    sampling: SamplingParams
    predictor_sampling: SamplingParams
    seed: int
    min_frames: int = MIN_FRAMES_BEFORE_EOS
    """The end token is banned before this many frames."""


@dataclass(frozen=True, slots=True)
class PageLayout:
    """The talker's memory, as its owner cuts it.

    A runner that keeps a dense cache has one page for each slot, as long as a take may be.
    """

    num_pages: int
    page_positions: int
    """Rows of prompt and frames that a page holds."""

    def pages_for(self, num_positions: int) -> int:
        """Returns how many pages hold that many rows."""
        return -(-num_positions // self.page_positions)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SlotStart:
    """A take that gets a slot."""

    slot: int
    job: SlotJob
    pages: Sequence[int]
    """Its memory for now; enough for its prompt, its frames so far and one more."""
    frames: Codes | None = None
    """[F, K], made before it lost an earlier slot: to be computed again, not drawn again."""

    @property
    def num_positions(self) -> int:
        """Rows that a prefill reads."""
        return self.job.prompt.num_rows + (0 if self.frames is None else len(self.frames))


@dataclass(frozen=True, slots=True, eq=False)
class FrameBatch:
    """One frame for each stepped slot."""

    codes: Codes
    """[N, K]; a row whose `ended` is set holds no frame."""
    ended: npt.NDArray[np.bool_]
    """[N]: the talker ended the take instead of making a frame."""
