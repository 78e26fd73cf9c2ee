"""Faster or slower speech at the same pitch, while it streams: WSOLA.

Blocks of 20 ms are laid side by side; each is taken from within 10 ms of where the speed asks for,
at the place whose waveform continues the block before best, and the two are cross-faded
(Verhelst and Roelands, "An overlap-add technique based on waveform similarity (WSOLA) for high
quality time-scale modification of speech", ICASSP 1993).

However a take is cut into pieces, the result is the same bits: a block is computed when all that it
looks at is there, and similarity is an exact sum of integers.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from intone.core.errors import InvalidSettingError
from intone.core.types import MAX_SPEED, MIN_SPEED, Samples

BLOCK_S = 0.020
SEARCH_S = 0.010
"""Each way: together a period of the lowest voices, 50 Hz."""
LATENCY_S = BLOCK_S + SEARCH_S
"""Input that a block waits for beyond its own place; how much later a stream begins."""

_FULL_SCALE = 32_768.0

_Floats = npt.NDArray[np.float64]


def change_tempo(samples: Samples, speed: float, rate_hz: int) -> Samples:
    """Returns samples [S] at another speed, [round(S / speed)]; raises as `Tempo` does."""
    tempo = Tempo(speed, rate_hz)
    return np.concatenate([tempo.feed(samples), tempo.flush()])


class Tempo:
    """Changes the speed of one take, piece by piece."""

    def __init__(self, speed: float, rate_hz: int) -> None:
        """Starts a take.

        Args:
            speed: 0.5 (twice as long) to 2.0 (half as long); at 1.0 samples pass untouched.
            rate_hz: of the samples.

        Raises:
            InvalidSettingError: a speed outside its range.
        """
        if not MIN_SPEED <= speed <= MAX_SPEED:
            raise InvalidSettingError(f"speed is {speed!r}; allowed: {MIN_SPEED} to {MAX_SPEED}.")
        self._speed = speed
        self._block = round(BLOCK_S * rate_hz)
        self._search = round(SEARCH_S * rate_hz)
        ramp = 0.5 - 0.5 * np.cos(np.pi * (np.arange(self._block) + 0.5) / self._block)
        self._fade_in = ramp.astype(np.float32)
        self._fade_out = (1.0 - ramp).astype(np.float32)
        self._input = np.empty(0, np.float32)
        self._input_start = 0
        """Of the take: samples before it are not needed any more."""
        self._num_blocks = 0
        self._next = 0
        """Where in the input the last block would go on."""

    def feed(self, samples: Samples) -> Samples:
        """Takes samples [S] and returns those that are ready, [S'], maybe none."""
        if self._speed == 1.0:
            return samples
        self._input = np.concatenate([self._input, samples])
        blocks = []
        while self._needed_end() <= self._input_end():
            blocks.append(self._make_block(self._input_end()))
        self._forget()
        return _joined(blocks)

    def flush(self) -> Samples:
        """Ends the take: returns the rest; in all, one sample per `speed` samples, rounded."""
        end = self._input_end()
        missing = math.floor(end / self._speed + 0.5) - self._num_blocks * self._block
        if self._speed == 1.0 or missing <= 0:
            return np.empty(0, np.float32)
        blocks: list[Samples] = []
        while len(blocks) * self._block < missing:
            short = max(0, self._needed_end() - self._input_end())
            self._input = np.concatenate([self._input, np.zeros(short, np.float32)])
            blocks.append(self._make_block(end))
        return _joined(blocks)[:missing]

    def _input_end(self) -> int:
        return self._input_start + len(self._input)

    def _wanted(self) -> int:
        """Returns where the speed alone would take the next block from."""
        return math.floor(self._num_blocks * self._block * self._speed + 0.5)

    def _needed_end(self) -> int:
        """Returns how much input the next block looks at, or stands for if that is more."""
        stands_for = math.ceil((self._num_blocks + 1) * self._block * self._speed)
        if self._num_blocks == 0:  # the take's own beginning: nothing is searched
            return max(self._block, stands_for)
        return max(
            self._next + self._block, self._wanted() + self._search + self._block, stands_for
        )

    def _make_block(self, end: int) -> Samples:
        """Returns the next block; what lies beyond `end` is padding, and avoided."""
        continued = self._at(self._next)
        if self._num_blocks == 0:
            block, chosen = continued, 0
        else:
            chosen = self._best_place(continued, end)
            block = self._fade_out * continued + self._fade_in * self._at(chosen)
        self._num_blocks += 1
        self._next = chosen + self._block
        return block

    def _best_place(self, continued: Samples, end: int) -> int:
        wanted = self._wanted()
        first = max(0, wanted - self._search)
        last = max(first, min(wanted + self._search, end - self._block))
        start = first - self._input_start
        candidates = _integers(self._input[start : start + last - first + self._block])
        products = np.correlate(candidates, _integers(continued), mode="valid")
        energy = np.cumsum(np.concatenate([[0.0], np.square(candidates)]))
        energy = energy[self._block :] - energy[: -self._block]
        scores = products / np.sqrt(np.maximum(energy, 1.0))
        # Of equals, as in silence, the place that the speed asks for.
        by_distance = np.argsort(np.abs(np.arange(first, last + 1) - wanted), kind="stable")
        return first + int(by_distance[np.argmax(scores[by_distance])])

    def _at(self, place: int) -> Samples:
        start = place - self._input_start
        return self._input[start : start + self._block]

    def _forget(self) -> None:
        """Drops what no later block looks at."""
        keep = max(self._input_start, min(self._next, self._wanted() - self._search))
        keep = min(keep, self._input_end())
        self._input = self._input[keep - self._input_start :].copy()
        self._input_start = keep


def _integers(samples: Samples) -> _Floats:
    """Returns 16-bit integers as floats: sums of their products are exact in any order."""
    return np.rint(samples.astype(np.float64) * _FULL_SCALE)


def _joined(blocks: list[Samples]) -> Samples:
    return np.concatenate(blocks) if blocks else np.empty(0, np.float32)
