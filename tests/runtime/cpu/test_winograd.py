"""Convolutions of seven taps by tiles of four outputs, against the plain sum."""

from __future__ import annotations

import numpy as np
import pytest

from intone.runtime.cpu.winograd import NUM_OUTPUTS, NUM_TAPS, tile_steps, transforms

DILATIONS = (1, 3, 9)
LENGTHS = (*range(1, 42), 71, 72, 73, 480, 1920)


def plain(signal: np.ndarray, taps: np.ndarray, dilation: int) -> np.ndarray:
    """Returns the outputs of a signal that begins with its history of 6 * dilation steps."""
    num_steps = len(signal) - (NUM_TAPS - 1) * dilation
    return sum(taps[i] * signal[i * dilation :][:num_steps] for i in range(NUM_TAPS))


def by_tiles(signal: np.ndarray, taps: np.ndarray, dilation: int) -> np.ndarray:
    matrices = transforms()
    reads, places = tile_steps(len(signal) - (NUM_TAPS - 1) * dilation, dilation)
    tiles = matrices.inputs.astype(np.float32) @ signal[reads]
    points = (matrices.taps @ taps.astype(np.float64)).astype(np.float32)
    return (matrices.outputs.astype(np.float32) @ (points[:, None] * tiles)).ravel()[places]


@pytest.mark.parametrize("dilation", DILATIONS)
def test_tiles_give_the_plain_sum_at_every_length(dilation: int) -> None:
    rng = np.random.default_rng(0)
    for num_steps in LENGTHS:
        signal = rng.standard_normal(num_steps + (NUM_TAPS - 1) * dilation, np.float32)
        taps = rng.standard_normal(NUM_TAPS, np.float32) / np.float32(NUM_TAPS**0.5)
        error = by_tiles(signal, taps, dilation) - plain(signal, taps, dilation)
        assert np.abs(error).max() < 4e-5, f"{num_steps} steps"
    assert np.sqrt(np.square(error).mean()) < 3e-6, "of a signal whose level is 1"


@pytest.mark.parametrize("dilation", DILATIONS)
def test_every_step_has_a_place_of_its_own_and_no_tile_reads_beyond_the_end(dilation: int) -> None:
    for num_steps in LENGTHS:
        reads, places = tile_steps(num_steps, dilation)
        assert len(set(places)) == len(places) == num_steps
        assert places.max() < NUM_OUTPUTS * reads.shape[1]
        assert 0 <= reads.min()
        assert reads.max() == num_steps + (NUM_TAPS - 1) * dilation - 1


def test_the_transforms_are_exact_in_double() -> None:
    matrices, rng = transforms(), np.random.default_rng(1)
    signal, taps = rng.standard_normal(10), rng.standard_normal(NUM_TAPS)
    product = matrices.outputs @ ((matrices.taps @ taps) * (matrices.inputs @ signal))
    np.testing.assert_allclose(product, np.correlate(signal, taps, "valid"), atol=1e-12)
