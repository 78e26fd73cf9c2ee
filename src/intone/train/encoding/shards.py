"""Append-only files of arrays that survive `kill -9`: what was appended stays, a torn end is cut.

A shard is records and nothing else. A record is a frame (magic, size of its header, size of its
array, all little-endian), a SHA-256 over frame, header and array, the header (JSON: kind, key,
type, shape) and the array. So whatever can be read back is what was written; which records there
are is found by reading the shards, and no index can disagree with them.

Every writer makes a shard of its own and holds a lock on it while it lives. Records are never
changed; the first one of a key counts.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
import numpy.typing as npt

from intone.audio.durable import make_directory, sync_directory
from intone.audio.writer import output_error
from intone.core.errors import DatasetError

Kind = Literal["codes", "x_vector"]
Array = npt.NDArray[np.uint16] | npt.NDArray[np.float32]

_MAGIC = b"ITR1"
_FRAME = struct.Struct("<4sII32s")
_SHA_AT = _FRAME.size - 32
_TYPES = frozenset({"<u2", "<f4"})
_PATTERN = "shard-*.bin"


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """One array under a name."""

    kind: Kind
    key: str
    """Of the content that the array was made from."""
    array: Array


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a record's array lies, and what vouches for it."""

    kind: Kind
    key: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    """First byte of the array in its shard."""
    end: int
    sha256: str
    """Of the whole record."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A shard whose end was torn."""

    path: Path
    kept_bytes: int
    cut_bytes: int


def pack(record: Record) -> bytes:
    """Returns the record as it stands in a shard."""
    array = np.ascontiguousarray(record.array)
    dtype = array.dtype.newbyteorder("<").str
    if dtype not in _TYPES:
        raise ValueError(f"a shard holds uint16 or float32, not {array.dtype}")
    described = {"kind": record.kind, "key": record.key, "dtype": dtype, "shape": array.shape}
    header = json.dumps(described).encode("utf-8")
    payload = array.astype(dtype, copy=False).tobytes()
    digest = _digest(len(header), len(payload), header, payload)
    return _FRAME.pack(_MAGIC, len(header), len(payload), digest) + header + payload


def entries_of(data: memoryview) -> Iterator[Entry]:
    """Yields the records of a shard's bytes in order, up to the first that is not whole."""
    at = 0
    while at + _FRAME.size <= len(data):
        magic, header_bytes, payload_bytes, digest = _FRAME.unpack_from(data, at)
        start = at + _FRAME.size + header_bytes
        end = start + payload_bytes
        if magic != _MAGIC or end > len(data):
            return
        header = bytes(data[at + _FRAME.size : start])
        if _digest(header_bytes, payload_bytes, header, data[start:end]) != digest:
            return
        told = json.loads(header)
        shape = tuple(told["shape"])
        yield Entry(told["kind"], told["key"], told["dtype"], shape, start, end, digest.hex())
        at = end


def _digest(
    header_bytes: int, payload_bytes: int, header: bytes, payload: bytes | memoryview
) -> bytes:
    frame = _FRAME.pack(_MAGIC, header_bytes, payload_bytes, bytes(32))
    sha = hashlib.sha256(frame[:_SHA_AT])
    sha.update(header)
    sha.update(payload)
    return sha.digest()


def cut_torn_ends(directory: Path) -> list[Cut]:
    """Shortens every shard to its whole records, and returns what was cut.

    Waits for a writer that still holds a shard: one whose parent was killed ends by itself.

    Raises:
        OutputError: a shard cannot be read or shortened.
    """
    cuts: list[Cut] = []
    for path in sorted(directory.glob(_PATTERN)):
        try:
            with path.open("rb+") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                kept, size = _whole_bytes(file), os.fstat(file.fileno()).st_size
                if kept < size:
                    file.truncate(kept)
                    os.fsync(file.fileno())
                    cuts.append(Cut(path, kept, size - kept))
        except OSError as error:
            raise output_error(str(path), error) from error
    return cuts


def _whole_bytes(file: BinaryIO) -> int:
    data = memoryview(file.read())
    return max((entry.end for entry in entries_of(data)), default=0)


class ShardWriter:
    """Appends records to a new shard, made with the first one. For one process and one thread."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._file: BinaryIO | None = None

    def append(self, records: Sequence[Record]) -> None:
        """Returns when the records are on the disk; after a crash all, some or none are there.

        Raises:
            OutputError: the system refused.
        """
        if not records:
            return
        try:
            file = self._file = self._file or self._create()
            file.write(b"".join(pack(record) for record in records))
            file.flush()
            os.fsync(file.fileno())
        except OSError as error:
            raise output_error(str(self._directory), error) from error

    def _create(self) -> BinaryIO:
        make_directory(self._directory)
        taken = [path.stem.removeprefix("shard-") for path in self._directory.glob(_PATTERN)]
        number = max((int(name) for name in taken if name.isdecimal()), default=0)
        while True:  # another process may take the same number first
            number += 1
            try:
                file = (self._directory / f"shard-{number:05}.bin").open("xb")
            except FileExistsError:
                continue
            fcntl.flock(file, fcntl.LOCK_EX)
            sync_directory(self._directory)
            return file

    def close(self) -> None:
        """Gives the shard free."""
        if self._file is not None:
            self._file.close()

    def __enter__(self) -> ShardWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Shards:
    """The records of a directory's shards, mapped into memory and checked once."""

    def __init__(self, directory: Path) -> None:
        """Reads every shard; a torn end is passed over.

        Raises:
            DatasetError: a shard cannot be read.
        """
        self._found: dict[tuple[Kind, str], tuple[npt.NDArray[np.uint8], Entry]] = {}
        for path in sorted(directory.glob(_PATTERN)):
            data = _mapped(path)
            for entry in entries_of(data.data):
                self._found.setdefault((entry.kind, entry.key), (data, entry))

    def __contains__(self, name: tuple[Kind, str]) -> bool:
        return name in self._found

    def __len__(self) -> int:
        return len(self._found)

    def __iter__(self) -> Iterator[tuple[Kind, str]]:
        return iter(self._found)

    def missing(self, names: Iterable[tuple[Kind, str]]) -> list[tuple[Kind, str]]:
        """Returns those that no shard holds, in order."""
        return [name for name in names if name not in self._found]

    def entry(self, kind: Kind, key: str) -> Entry:
        """Returns what a record's header says; raises KeyError where there is none."""
        return self._found[kind, key][1]

    def array(self, kind: Kind, key: str) -> Array:
        """Returns a read-only view of the file; raises KeyError where there is none."""
        data, entry = self._found[kind, key]
        array: Array = data[entry.start : entry.end].view(np.dtype(entry.dtype))
        return array.reshape(entry.shape)


def _mapped(path: Path) -> npt.NDArray[np.uint8]:
    try:
        if not path.stat().st_size:  # an empty file cannot be mapped
            return np.empty(0, dtype=np.uint8)
        return np.memmap(path, dtype=np.uint8, mode="r")
    except OSError as error:
        raise DatasetError(
            f"{path} cannot be read ({error.strerror}); repair or delete it and run "
            "`intone train encode` again."
        ) from error
