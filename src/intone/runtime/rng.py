"""One uniform number per draw, from a counter: (seed, frame, codebook) -> [0, 1).

A counter-based generator has no state to share or lose, so a request draws the same numbers alone,
in any batch, streamed or not, on any device. Philox 4x64 (Salmon et al. 2011) as numpy ships it;
raw words are used because their stream is fixed, while derived distributions may change.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Uniforms = npt.NDArray[np.float64]


def frame_uniforms(seed: int, frame: int, num_codebooks: int) -> Uniforms:
    """Returns the uniform numbers of one frame's draws, [K], each in [0, 1)."""
    key = np.array([seed, 0], dtype=np.uint64)
    counter = np.array([0, frame, 0, 0], dtype=np.uint64)
    words = np.random.Philox(key=key, counter=counter).random_raw(num_codebooks)
    return np.ldexp((words >> np.uint64(11)).astype(np.float64), -53)


def fresh_seed() -> int:
    """Returns a seed from the operating system, small enough to read aloud and type again."""
    return int(np.random.SeedSequence().generate_state(1, np.uint32)[0])
