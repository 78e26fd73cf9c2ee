"""Tensors of safetensors files as numpy arrays: read by need, widened to fp32. No torch.

The format is eight bytes of header length, a JSON header, then the data
(https://github.com/huggingface/safetensors, "Format").
"""

from __future__ import annotations

import json
import math
import os
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from intone.core.errors import CheckpointError
from intone.models.config import read_json

Array = npt.NDArray[np.float32]

_STORED = {"F32": np.float32, "F16": np.float16, "BF16": np.uint16}
"""numpy has no bf16; its bits are the upper half of an fp32's."""


@dataclass(frozen=True, slots=True)
class _Place:
    path: Path
    offset_bytes: int
    kind: str
    shape: tuple[int, ...]


class RawTensors:
    """The tensors of a checkpoint directory, by official name."""

    def __init__(self, directory: Path) -> None:
        """Reads headers only.

        Raises:
            CheckpointError: a file is missing or is not a safetensors file.
        """
        self._places = dict(_places(directory))
        self._open_files: dict[Path, int] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._places

    def shape(self, name: str) -> tuple[int, ...]:
        return self._places[name].shape

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {name: place.shape for name, place in self._places.items()}

    def read(self, name: str) -> Array:
        """Returns a copy in fp32; what was mapped for it is given back."""
        return _widened(self._map(name))

    def rows(self, name: str, ids: npt.NDArray[np.int64]) -> Array:
        """Returns rows [..., H] of a table [V, H] by ids [...]; only these are read.

        They are read from the file and not mapped: of a mapped table, 64 KB around every row that
        was ever asked for would stay resident.

        Raises:
            IndexError: an id that is no row.
            CheckpointError: the file has been cut short since its header was read.
        """
        place = self._places[name]
        num_rows, *row_shape = place.shape
        if ids.size and not 0 <= ids.min() <= ids.max() < num_rows:
            raise IndexError(f"{name} has {num_rows} rows; ids are {ids.min()} to {ids.max()}")
        stored = np.dtype(_STORED[place.kind])
        file, num_bytes = self._file(place.path), math.prod(row_shape) * stored.itemsize
        read = b"".join(
            os.pread(file, num_bytes, place.offset_bytes + row * num_bytes)
            for row in ids.ravel().tolist()
        )
        if len(read) != ids.size * num_bytes:
            raise CheckpointError(f"{place.path} was cut short while it was in use; pull it again.")
        return _widened(np.frombuffer(read, stored).reshape(*ids.shape, *row_shape))

    def _file(self, path: Path) -> int:
        """Returns a descriptor that is closed with this object."""
        if path not in self._open_files:
            file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            self._open_files[path] = file
            weakref.finalize(self, os.close, file)
        return self._open_files[path]

    def _map(self, name: str) -> npt.NDArray:
        place = self._places[name]
        return np.memmap(
            place.path, _STORED[place.kind], "r", place.offset_bytes, place.shape or (1,)
        )


def _widened(stored: npt.NDArray) -> Array:
    if stored.dtype == np.uint16:
        return (stored.astype(np.uint32) << 16).view(np.float32)
    return np.array(stored, dtype=np.float32)


def _places(directory: Path) -> Iterator[tuple[str, _Place]]:
    for path in weight_paths(directory):
        try:
            yield from _places_in(path)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CheckpointError(
                f"{path} is truncated or not a safetensors file ({error}); pull it again."
            ) from error


def _places_in(path: Path) -> Iterator[tuple[str, _Place]]:
    size_bytes = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length)) if 0 < length < size_bytes else None
    if not isinstance(header, dict):
        raise ValueError("its header is cut short, or none")
    for name, entry in header.items():
        if name != "__metadata__":
            yield name, _place(path, name, entry, 8 + length)


def _place(path: Path, name: str, entry: dict[str, Any], data_start: int) -> _Place:
    start, kind, shape = entry["data_offsets"][0], entry["dtype"], tuple(entry["shape"])
    if kind not in _STORED:
        raise ValueError(f"{name} is {kind}; known: {', '.join(_STORED)}")
    if start < 0 or min(shape, default=0) < 0:
        raise ValueError(f"{name} has a negative place or size")
    end = data_start + start + math.prod(shape) * np.dtype(_STORED[kind]).itemsize
    if end > path.stat().st_size:
        raise ValueError(f"{name} lies beyond its end")
    return _Place(path, data_start + start, kind, shape)


def weight_paths(directory: Path) -> list[Path]:
    """Returns a checkpoint's weight files: one, or those that its index names."""
    index = directory / "model.safetensors.index.json"
    if not index.exists():
        return [directory / "model.safetensors"]
    shards = read_json(index).get("weight_map", {})
    return [directory / name for name in sorted(set(shards.values()))]
