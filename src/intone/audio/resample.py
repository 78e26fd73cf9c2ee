"""Changing the sample rate."""

from __future__ import annotations

import numpy as np
import soxr

from intone.core.types import Samples


def resample(samples: Samples, from_hz: int, to_hz: int) -> Samples:
    """Returns samples [S] at another rate: [ceil(S * to_hz / from_hz)], give or take one.

    soxr at its "HQ" setting, which is also what upstream's `librosa.resample` uses.
    """
    if from_hz == to_hz:
        return samples
    return np.ascontiguousarray(soxr.resample(samples, from_hz, to_hz, quality="HQ"), np.float32)
