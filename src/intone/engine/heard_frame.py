"""One frame as the guards of a take hear it: its codes and how loud it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from intone.core.constants import SAMPLES_PER_FRAME
from intone.core.types import Codes, Samples

QUIETEST_DB = -120.0
"""The level of digital silence."""

_FAR_BELOW_LOUDEST_DB = 35.0
_QUIET_DB = -50.0
_BELOW_LOUDEST_DB = 20.0
"""So far below its own loudest frame is even a whisper silent at -50 dB."""
_ALWAYS_QUIET_DB = -70.0


@dataclass(frozen=True, slots=True)
class HeardFrame:
    """What the rules of a guard judge."""

    codes: Codes
    """[K]."""
    level_db: float
    """RMS in dB of full scale."""
    below_loudest_db: float
    """How far under the loudest frame so far; 0 for that itself."""
    is_quiet: bool


def frame_levels_db(samples: Samples) -> npt.NDArray[np.float64]:
    """Returns the RMS of each frame of samples [F * 1920], in dB of full scale, [F]."""
    frames = samples.reshape(-1, SAMPLES_PER_FRAME).astype(np.float64)
    power = np.einsum("fs,fs->f", frames, frames) / SAMPLES_PER_FRAME
    levels: npt.NDArray[np.float64] = 10 * np.log10(np.maximum(power, 10 ** (QUIETEST_DB / 10)))
    return levels


def quiet_below_db(loudest_db: float) -> float:
    """Returns the level below which a frame is near-silence, in a take so loud."""
    absolute = min(_QUIET_DB, loudest_db - _BELOW_LOUDEST_DB)
    return max(absolute, loudest_db - _FAR_BELOW_LOUDEST_DB, _ALWAYS_QUIET_DB)
