"""What goes into a slot and what comes out of a step. No torch: fakes and the scheduler use it."""

from __future__ import annotations

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


@dataclass(frozen=True, slots=True, eq=False)
class FrameBatch:
    """One frame for each stepped slot."""

    codes: Codes
    """[N, K]; a row whose `ended` is set holds no frame."""
    ended: npt.NDArray[np.bool_]
    """[N]: the talker ended the take instead of making a frame."""
