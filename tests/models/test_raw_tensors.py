"""Official tensors as numpy arrays: the same numbers that torch reads, and damage is told."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from intone.core.errors import CheckpointError
from intone.core.types import ModelKind
from intone.models.raw_tensors import RawTensors


def written(directory: Path, tensors: dict[str, torch.Tensor]) -> RawTensors:
    save_file(tensors, directory / "model.safetensors")
    return RawTensors(directory)


def test_every_tensor_of_a_checkpoint_is_read_as_torch_reads_it(
    tiny_checkpoint: Callable[[ModelKind], Path],
) -> None:
    directory = tiny_checkpoint("base")
    raw, tensors = RawTensors(directory), load_file(directory / "model.safetensors")
    assert raw.shapes() == {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    for name, tensor in tensors.items():
        assert name in raw
        assert raw.shape(name) == tuple(tensor.shape)
        np.testing.assert_array_equal(raw.read(name), tensor.numpy())
    assert "talker.surprise" not in raw


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_narrow_numbers_are_widened_exactly(tmp_path: Path, dtype: torch.dtype) -> None:
    values = torch.tensor([[1.0, -2.5, 0.0], [3e-3, 60000.0, -0.0]]).to(dtype)
    raw = written(tmp_path, {"other": torch.ones(3), "table": values})
    assert raw.read("table").dtype == np.float32
    np.testing.assert_array_equal(raw.read("table"), values.float().numpy())
    rows = raw.rows("table", np.array([[1, 0], [1, 1]]))
    np.testing.assert_array_equal(rows, values.float().numpy()[[[1, 0], [1, 1]]])


def test_infinities_and_odd_sizes_keep_their_bits(tmp_path: Path) -> None:
    values = torch.tensor([float("inf"), float("-inf"), 1e-40, 7.0, -7.0]).bfloat16()
    np.testing.assert_array_equal(
        written(tmp_path, {"x": values}).read("x"), values.float().numpy()
    )


def test_what_was_read_may_be_changed_without_changing_the_file(tmp_path: Path) -> None:
    raw = written(tmp_path, {"x": torch.ones(4)})
    raw.read("x")[:] = 5.0
    raw.rows("x", np.array([0, 1]))[:] = 5.0
    np.testing.assert_array_equal(raw.read("x"), np.ones(4))


@pytest.mark.parametrize("row", [-1, 4])
def test_an_id_that_is_no_row_is_refused(tmp_path: Path, row: int) -> None:
    raw = written(tmp_path, {"a": torch.ones(4, 2), "z": torch.zeros(4, 2)})
    with pytest.raises(IndexError, match=f"a has 4 rows; ids are {min(0, row)} to {max(0, row)}"):
        raw.rows("a", np.array([0, row]))


def test_a_table_cut_short_while_in_use_is_told(tmp_path: Path) -> None:
    raw = written(tmp_path, {"x": torch.ones(1000, 2)})
    os.truncate(tmp_path / "model.safetensors", 4000)
    with pytest.raises(CheckpointError, match="cut short while it was in use"):
        raw.rows("x", np.array([0, 999]))


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="the system does not say")
def test_rows_leave_nothing_of_their_table_in_memory(tmp_path: Path) -> None:
    raw = written(tmp_path, {"x": torch.ones(1000, 2)})
    raw.rows("x", np.arange(1000))
    assert str(tmp_path) not in Path("/proc/self/maps").read_text()


def test_a_scalar_has_one_number(tmp_path: Path) -> None:
    assert written(tmp_path, {"x": torch.tensor(3.0)}).read("x").tolist() == [3.0]


def test_shards_are_read_like_one_file(tmp_path: Path) -> None:
    save_file({"a": torch.ones(2)}, tmp_path / "1.safetensors")
    save_file({"b": torch.zeros(3)}, tmp_path / "2.safetensors")
    weight_map = {"a": "1.safetensors", "b": "2.safetensors"}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))
    assert RawTensors(tmp_path).shapes() == {"a": (2,), "b": (3,)}


def header(directory: Path, content: object, num_data_bytes: int = 16) -> None:
    text = json.dumps(content).encode()
    data = len(text).to_bytes(8, "little") + text + bytes(num_data_bytes)
    (directory / "model.safetensors").write_bytes(data)


X = {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}

DAMAGE: dict[str, Callable[[Path], None]] = {
    "nothing": lambda d: None,
    "empty": lambda d: (d / "model.safetensors").write_bytes(b""),
    "no header": lambda d: (d / "model.safetensors").write_bytes(b"\xff" * 40),
    "no JSON": lambda d: (d / "model.safetensors").write_bytes(b"\4\0\0\0\0\0\0\0oops1234"),
    "a list": lambda d: header(d, [1, 2]),
    "a number for a tensor": lambda d: header(d, {"x": 3}),
    "no place": lambda d: header(d, {"x": {"dtype": "F32", "shape": [4]}}),
    "words for a place": lambda d: header(d, {"x": {**X, "data_offsets": ["a", "b"]}}),
    "an unknown type": lambda d: header(d, {"x": {**X, "dtype": "F8_E4M3"}}),
    "beyond the end": lambda d: header(d, {"x": X}, num_data_bytes=15),
    "before the start": lambda d: header(d, {"x": {**X, "data_offsets": [-4, 12]}}),
    "a negative size": lambda d: header(d, {"x": {**X, "shape": [-4]}}),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_damage_is_told_with_the_file(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    damage(tmp_path)
    with pytest.raises(CheckpointError, match=r"model.safetensors is truncated or not a safet"):
        RawTensors(tmp_path)


def test_a_shard_that_is_missing_is_named(tmp_path: Path) -> None:
    index = {"weight_map": {"a": "1.safetensors"}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(CheckpointError, match=r"1\.safetensors"):
        RawTensors(tmp_path)
