"""A safetensors file written again with some tensors changed or left out, one tensor at a time.

Every other tensor's bytes are copied as they stand, so memory holds a single tensor however large
the checkpoint is. Format: https://github.com/huggingface/safetensors (8 bytes of length, a JSON
header, the tensors' bytes without gaps).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import Tensor

from intone.core.errors import CheckpointError

Change = Callable[[str, Tensor], Tensor]
"""Of a tensor's name and its old value to its new one: same shape, any floating type."""

_DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
}
_COPY_BYTES = 16 << 20
_ALIGNMENT_BYTES = 8


@dataclass(slots=True)
class RewriteReport:
    """What became of the tensors; adds up over files."""

    changed: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Changed tensors: values that differ after rounding to the file's type, and all values."""
    num_dropped: int = 0

    def add(self, other: RewriteReport) -> None:
        self.changed |= other.changed
        self.num_dropped += other.num_dropped


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    """Offset in the source file."""
    num_bytes: int

    def described_at(self, offset: int) -> dict[str, Any]:
        span = [offset, offset + self.num_bytes]
        return {"dtype": self.dtype, "shape": list(self.shape), "data_offsets": span}


def rewrite(
    source: Path,
    target: Path,
    change: Change,
    *,
    changed: Collection[str],
    dropped: Collection[str],
) -> RewriteReport:
    """Writes `source` again as `target`; returns what became of its tensors.

    Args:
        change: gives the new value of each tensor named in `changed`; rounded once, to the type
            that the tensor has in the file.
        changed: names outside this file are ignored: a checkpoint may have several files.
        dropped: names that are left out.

    Raises:
        CheckpointError: `source` is no safetensors file, or a new value does not fit.
        OSError: reading or writing failed.
    """
    report = RewriteReport()
    with source.open("rb") as old, target.open("xb") as new:
        entries, metadata = _read_header(old, source)
        kept = [entry for entry in entries if entry.name not in dropped]
        report.num_dropped = len(entries) - len(kept)
        new.write(_header(kept, metadata))
        for entry in kept:
            old.seek(entry.start)
            if entry.name in changed:
                new.write(_changed(_read(old, entry.num_bytes), entry, change, report))
            else:
                _copy(old, new, entry.num_bytes)
    return report


def tensor_names(path: Path) -> list[str]:
    """Returns the names in a file; raises CheckpointError when it is no safetensors file."""
    with path.open("rb") as file:
        return [entry.name for entry in _read_header(file, path)[0]]


def _read_header(file: BinaryIO, path: Path) -> tuple[list[_Entry], dict[str, str]]:
    """Returns the tensors in the order of their bytes, and the file's metadata."""
    try:
        length = int.from_bytes(file.read(8), "little")
        header: dict[str, Any] = json.loads(file.read(length))
        metadata = header.pop("__metadata__", {})
        entries = [
            _Entry(
                name=name,
                dtype=item["dtype"],
                shape=tuple(item["shape"]),
                start=8 + length + item["data_offsets"][0],
                num_bytes=item["data_offsets"][1] - item["data_offsets"][0],
            )
            for name, item in header.items()
        ]
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, MemoryError) as error:
        raise CheckpointError(f"{path} is not a safetensors file ({error}).") from error
    return sorted(entries, key=lambda entry: entry.start), metadata


def _header(entries: list[_Entry], metadata: dict[str, str]) -> bytes:
    header: dict[str, Any] = {"__metadata__": metadata} if metadata else {}
    offset = 0
    for entry in entries:
        header[entry.name] = entry.described_at(offset)
        offset += entry.num_bytes
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
    text += b" " * (-len(text) % _ALIGNMENT_BYTES)
    return len(text).to_bytes(8, "little") + text


def _changed(data: bytearray, entry: _Entry, change: Change, report: RewriteReport) -> memoryview:
    if entry.dtype not in _DTYPES:
        raise CheckpointError(
            f"{entry.name} is of type {entry.dtype}; only {', '.join(_DTYPES)} can be trained."
        )
    dtype = _DTYPES[entry.dtype]
    old = torch.frombuffer(data, dtype=dtype).reshape(entry.shape)
    new = change(entry.name, old)
    if new.shape != old.shape:
        raise CheckpointError(
            f"{entry.name}: new value is {list(new.shape)}, the checkpoint has {list(old.shape)}; "
            "they are not of one model."
        )
    rounded = new.to(dtype).contiguous()
    if not torch.isfinite(rounded).all():
        raise CheckpointError(
            f"{entry.name} holds values that are not finite in {entry.dtype}; the run diverged. "
            "Choose an earlier checkpoint of it."
        )
    report.changed[entry.name] = int((rounded != old).sum()), rounded.numel()
    return rounded.reshape(-1).view(torch.uint8).numpy().data


def _read(file: BinaryIO, num_bytes: int) -> bytearray:
    data = bytearray(file.read(num_bytes))
    if len(data) < num_bytes:
        raise CheckpointError(f"{file.name} is truncated; pull the checkpoint again.")
    return data


def _copy(old: BinaryIO, new: BinaryIO, num_bytes: int) -> None:
    while num_bytes > 0:
        size = min(num_bytes, _COPY_BYTES)
        new.write(_read(old, size))
        num_bytes -= size
