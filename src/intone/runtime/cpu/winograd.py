"""Short convolutions with fewer multiplications: 4 outputs of 7 taps from 10 products, not 28.

Toom and Cook's algorithm as Winograd stated it (S. Winograd, "Arithmetic Complexity of
Computations", 1980; for networks: Lavin and Gray, arXiv 1509.09308): both signals are evaluated at
ten points, multiplied there, and the product is interpolated. Most of the codec's arithmetic is
such convolutions. In fp32 the result differs from the plain sum by rounding only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

NUM_OUTPUTS = 4
NUM_TAPS = 7
NUM_POINTS = NUM_OUTPUTS + NUM_TAPS - 1

DILATIONS = (1, 3, 9)
"""Of the convolutions in one of the codec's waveform blocks."""

_POINTS = (0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 0.75, -0.75)
"""And infinity. Few, small and symmetric: what is lost to rounding grows with their spread. These
lose 2e-6 of the signal's level (root mean square), a plain sum 2e-7."""

Matrix = npt.NDArray[np.float64]
Steps = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Transforms:
    """y = outputs @ ((taps @ g) * (inputs @ d)) is the correlation of d with g."""

    inputs: Matrix
    """[10, 10]"""
    taps: Matrix
    """[10, 7]"""
    outputs: Matrix
    """[4, 10]"""


def transforms() -> Transforms:
    """Returns the three matrices, every point scaled so that its two factors are alike in size."""
    points = np.array(_POINTS)
    last = NUM_POINTS - 1
    inputs = np.zeros((NUM_POINTS, NUM_POINTS))
    taps = np.zeros((NUM_POINTS, NUM_TAPS))
    outputs = np.zeros((NUM_OUTPUTS, NUM_POINTS))
    for j, point in enumerate(points):
        others = np.delete(points, j)
        inputs[j, :last] = np.poly(others)[::-1]
        taps[j] = point ** np.arange(NUM_TAPS) / np.prod(point - others)
        outputs[:, j] = point ** np.arange(NUM_OUTPUTS)
    inputs[last] = np.poly(points)[::-1]
    taps[last, -1] = outputs[-1, last] = 1.0
    scale = np.sqrt(np.linalg.norm(taps, axis=1) / np.linalg.norm(inputs, axis=1))[:, None]
    return Transforms(inputs * scale, taps / scale, outputs)


def tile_steps(num_steps: int, dilation: int) -> tuple[Steps, Steps]:
    """Returns where tiles read and where their outputs lie, for `num_steps` outputs.

    Returns:
        [10, tiles]: the step of each tile's inputs, counted from the start of the history; inputs
            that only serve outputs beyond the last one repeat the last step.
        [num_steps]: the place of each step in the outputs [4, tiles], flat.
    """
    group = NUM_OUTPUTS * dilation
    num_groups = -(-num_steps // group)
    first = (np.arange(num_groups)[:, None] * group + np.arange(dilation)).ravel()
    reads = first + np.arange(NUM_POINTS)[:, None] * dilation
    last = num_steps + (NUM_TAPS - 1) * dilation - 1
    step = np.arange(num_steps)
    row, phase = step % group // dilation, step % dilation
    return np.minimum(reads, last), row * len(first) + step // group * dilation + phase
