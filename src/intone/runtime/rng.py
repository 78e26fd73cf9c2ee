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
    return uniforms_of(words)


class FrameDraws:
    """The random words of one take's frames, one frame after the other.

    Setting up a generator costs four times what a frame's numbers do, so a take keeps its own; the
    host of a GPU has little time between two frames of many takes.
    """

    def __init__(self, seed: int, first_frame: int) -> None:
        key = np.array([seed, 0], dtype=np.uint64)
        counter = np.array([0, first_frame, 0, 0], dtype=np.uint64)
        self._philox = np.random.Philox(key=key, counter=counter)

    def next_words(self, num_codebooks: int) -> npt.NDArray[np.uint64]:
        """Returns the words of the next frame's draws, [K]; see `uniforms_of`."""
        words: npt.NDArray[np.uint64] = self._philox.random_raw(num_codebooks)
        # Four words are one count of the lowest place; the next frame counts in the second.
        self._philox.advance(2**64 - -(-num_codebooks // 4))
        return words


def uniforms_of(words: npt.NDArray[np.uint64]) -> Uniforms:
    """Returns numbers in [0, 1) of random words, elementwise."""
    return np.ldexp((words >> np.uint64(11)).astype(np.float64), -53)


def fresh_seed() -> int:
    """Returns a seed from the operating system, small enough to read aloud and type again."""
    return int(np.random.SeedSequence().generate_state(1, np.uint32)[0])
