"""Weights in 8 or 4 bits: blocks along the input share one fp32 scale.

The layout is that of ONNX Runtime's MatMulNBits: [N, K / block, block * bits / 8] unsigned, zero
at the middle of the range; two 4-bit values share a byte, the earlier one in its lower half.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

BLOCK = 128
FINE_BLOCK = 32
"""For the matrix after the gated product, whose inputs differ most in size: on the built-in voice
int8 then agrees with fp32 in more than 99 of 100 codes, at no measurable cost in time."""

_CANDIDATES = (1.0, 0.94, 0.88, 0.82, 0.76)
"""4 bits: shares of the largest weight of a block that its range is tried with. A smaller range
cuts the largest weights and holds all others finer; the least squared error is taken."""

_ROWS_AT_ONCE = 2_000_000
"""Weights quantised in one go; bounds what is needed beside a layer."""


@dataclass(frozen=True, slots=True, eq=False)
class Quantised:
    """One matrix [N, K]."""

    packed: npt.NDArray[np.uint8]
    """[N, K / block, block * bits / 8]"""
    scales: npt.NDArray[np.float32]
    """[N, K / block]"""
    bits: int
    num_inputs: int

    def restored(self) -> npt.NDArray[np.float32]:
        """Returns what the matrix has become, [N, K]."""
        values = self.packed
        if self.bits == 4:
            values = np.stack([values & 15, values >> 4], axis=-1).reshape(*values.shape[:2], -1)
        zero = 1 << (self.bits - 1)
        wide = (values.astype(np.float32) - zero) * self.scales[..., None]
        return wide.reshape(len(wide), -1)[:, : self.num_inputs]


def quantise(weight: npt.NDArray[np.float32], bits: int, block: int = BLOCK) -> Quantised:
    """Returns a matrix [N, K] in 8 or 4 bits; K is filled up to whole blocks with zeros.

    Args:
        block: weights of a row that share a scale, 16 or a larger power of two.
    """
    num_inputs = weight.shape[1]
    missing = -num_inputs % block
    if missing:
        weight = np.pad(weight, ((0, 0), (0, missing)))
    blocks = weight.reshape(len(weight), -1, block)
    step = max(1, _ROWS_AT_ONCE // weight.shape[1])
    parts = [_quantise_rows(blocks[i : i + step], bits) for i in range(0, len(blocks), step)]
    return Quantised(
        packed=np.concatenate([packed for packed, _ in parts]),
        scales=np.concatenate([scales for _, scales in parts]),
        bits=bits,
        num_inputs=num_inputs,
    )


def _quantise_rows(
    blocks: npt.NDArray[np.float32], bits: int
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
    if bits == 8:
        scales = np.abs(blocks).max(axis=-1) / 127
        values = _rounded(blocks, scales, -127, 127)
        return (values + 128).astype(np.uint8), scales
    values, scales = _best_of_4_bits(blocks)
    nibbles = (values + 8).astype(np.uint8)
    packed: npt.NDArray[np.uint8] = nibbles[..., ::2] + nibbles[..., 1::2] * np.uint8(16)
    return packed, scales


def _best_of_4_bits(
    blocks: npt.NDArray[np.float32],
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Returns values in -8 to 7 and scales with the least squared error of a few ranges."""
    at = np.abs(blocks).argmax(axis=-1)[..., None]
    extreme = np.take_along_axis(blocks, at, axis=-1)[..., 0]
    best_values, best_scales = np.zeros_like(blocks), np.zeros_like(extreme)
    best_error = np.full_like(extreme, np.inf)
    for share in _CANDIDATES:
        # The range reaches one further below zero than above: the largest weight goes there.
        values = _rounded(blocks, extreme * np.float32(-share / 8), -8, 7)
        scales = _least_squares(blocks, values)
        error = np.square(blocks - values * scales[..., None]).sum(axis=-1)
        is_better = error < best_error
        best_values[is_better] = values[is_better]
        best_scales[is_better] = scales[is_better]
        best_error[is_better] = error[is_better]
    return best_values, best_scales


def _rounded(
    blocks: npt.NDArray[np.float32], scales: npt.NDArray[np.float32], low: int, high: int
) -> npt.NDArray[np.float32]:
    inverse = np.divide(1.0, scales, out=np.zeros_like(scales), where=scales != 0)
    values = blocks * inverse[..., None]
    np.rint(values, out=values)
    return np.clip(values, low, high, out=values)


def _least_squares(
    blocks: npt.NDArray[np.float32], values: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Returns the scale per block that brings `values` closest to `blocks`."""
    power = np.square(values).sum(axis=-1)
    match = (blocks * values).sum(axis=-1)
    return np.divide(match, power, out=np.zeros_like(match), where=power != 0)
