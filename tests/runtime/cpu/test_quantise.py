"""8 and 4 bits: what a matrix becomes, and that ONNX Runtime multiplies just that."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnxruntime import InferenceSession

from intone.runtime.cpu.graph import Graph, WeightFile
from intone.runtime.cpu.linear import Bits, Linear
from intone.runtime.cpu.quantise import BLOCK, quantise
from intone.runtime.cpu.sessions import open_session

WIDTHS = (BLOCK, 3 * BLOCK, 64, 200, BLOCK + 1)
"""Inputs of a matrix; the last three fill no whole number of blocks."""


def matrix(num_outputs: int, num_inputs: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((num_outputs, num_inputs), np.float32)


def by_block(matrix: np.ndarray) -> np.ndarray:
    missing = -matrix.shape[1] % BLOCK
    return np.pad(matrix, ((0, 0), (0, missing))).reshape(len(matrix), -1, BLOCK)


@pytest.mark.parametrize("num_inputs", WIDTHS)
def test_8_bits_are_off_by_half_a_step_of_the_block_at_most(num_inputs: int) -> None:
    weight = matrix(5, num_inputs)
    quantised = quantise(weight, 8)
    error = np.abs(by_block(quantised.restored()) - by_block(weight)).max(axis=-1)
    largest = np.abs(by_block(weight)).max(axis=-1)
    assert (error <= largest / 127 * 0.501).all()
    assert quantised.restored().shape == weight.shape


@pytest.mark.parametrize("num_inputs", WIDTHS)
def test_4_bits_keep_nine_tenths_of_a_block(num_inputs: int) -> None:
    """Plain rounding to 15 levels of the largest weight loses 11 percent of such a block."""
    weight = matrix(5, num_inputs)
    error = by_block(quantise(weight, 4).restored() - weight)
    lost = np.linalg.norm(error, axis=-1) / np.linalg.norm(by_block(weight), axis=-1)
    assert lost.max() < 0.115
    plain = np.abs(by_block(weight)).max(axis=-1, keepdims=True) / 7
    plainly = by_block(weight) - np.rint(by_block(weight) / plain) * plain
    assert np.square(error).sum() < 0.9 * np.square(plainly).sum()


@pytest.mark.parametrize("bits", [8, 4])
def test_what_is_on_the_grid_already_stays(bits: Bits) -> None:
    weight = quantise(matrix(3, 2 * BLOCK), bits).restored()
    np.testing.assert_allclose(quantise(weight, bits).restored(), weight, rtol=0, atol=1e-5)


@pytest.mark.parametrize("bits", [8, 4])
def test_zero_blocks_stay_zero(bits: Bits) -> None:
    weight = matrix(2, 3 * BLOCK)
    weight[:, BLOCK : 2 * BLOCK] = 0.0
    quantised = quantise(weight, bits)
    assert np.isfinite(quantised.scales).all()
    assert not quantised.restored()[:, BLOCK : 2 * BLOCK].any()
    assert quantised.restored()[:, :BLOCK].any()


@given(bits=st.sampled_from([8, 4]), exponent=st.integers(-40, 40), seed=st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_a_matrix_of_any_level_is_kept_alike(bits: Bits, exponent: int, seed: int) -> None:
    weight, level = matrix(2, BLOCK, seed), np.float32(2.0**exponent)
    kept = quantise(weight, bits).restored() * level
    np.testing.assert_array_equal(quantise(weight * level, bits).restored(), kept)


def test_many_rows_are_quantised_as_few(monkeypatch: pytest.MonkeyPatch) -> None:
    weight = matrix(7, BLOCK)
    whole = quantise(weight, 4)
    monkeypatch.setattr("intone.runtime.cpu.quantise._ROWS_AT_ONCE", 2 * BLOCK)
    parts = quantise(weight, 4)
    np.testing.assert_array_equal(parts.packed, whole.packed)
    np.testing.assert_array_equal(parts.scales, whole.scales)


def one_product(directory: Path, weight: np.ndarray, bits: Bits) -> InferenceSession:
    """Returns a session of one node: x [M, K] -> y [M, N]."""
    with WeightFile(directory / "one.bin") as weights:
        graph = Graph("one", weights)
        x = graph.input("x", ("M", weight.shape[1]))
        graph.output(Linear(bits)(graph, x, weight), "y", ("M", len(weight)))
        graph.save(directory / "one.onnx")
    return open_session(directory / "one.onnx", 1)


@pytest.mark.parametrize("bits", [8, 4])
@pytest.mark.parametrize("num_inputs", [64, 3 * BLOCK, 200])
def test_the_runtime_multiplies_what_was_restored(
    tmp_path: Path, bits: Bits, num_inputs: int
) -> None:
    weight, rows = matrix(48, num_inputs), matrix(3, num_inputs, seed=1)
    (product,) = one_product(tmp_path, weight, bits).run(["y"], {"x": rows})
    expected = rows @ quantise(weight, bits).restored().T
    # The inputs are rounded to 8 bits by the operator: at most half a step each.
    assert np.abs(product - expected).max() < 0.02 * np.abs(expected).max()
    assert np.square(product - expected).mean() < 1e-4 * np.square(expected).mean()


@pytest.mark.parametrize("bits", [8, 4])
def test_the_largest_products_do_not_saturate(tmp_path: Path, bits: Bits) -> None:
    """Kernels that add pairs of products in 16 bits would cut these off."""
    weight = np.ones((16, 2 * BLOCK), dtype=np.float32)
    weight[::2] = -1
    session = one_product(tmp_path, weight, bits)
    for num_rows in (1, 2, 4):
        rows = np.ones((num_rows, 2 * BLOCK), dtype=np.float32)
        (product,) = session.run(["y"], {"x": rows})
        np.testing.assert_allclose(product, rows @ quantise(weight, bits).restored().T, rtol=1e-5)


@pytest.mark.parametrize("bits", [32, 8, 4])
@pytest.mark.parametrize("num_outputs", [48, 37])
def test_a_row_depends_on_its_neighbours_in_its_last_bits_only(
    tmp_path: Path, bits: Bits, num_outputs: int
) -> None:
    """8 and 4 bits: a lone row, and the last of an odd number, are summed in another order."""
    session = one_product(tmp_path, matrix(num_outputs, 3 * BLOCK), bits)
    rows = matrix(8, 3 * BLOCK, seed=1)
    alone = np.concatenate([session.run(["y"], {"x": row[None]})[0] for row in rows])
    for num_rows in range(2, 9):
        rows[num_rows:] *= 1000  # were a scale shared, the others would change by far more
        (together,) = session.run(["y"], {"x": rows})
        close = np.abs(together[:num_rows] - alone[:num_rows]).max()
        assert close < 2e-6 * np.abs(alone).max()
        rows[num_rows:] /= 1000
