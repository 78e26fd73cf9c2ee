"""Datasets whose codes exist already: written as if they had been encoded here."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from intone.core.errors import DatasetError
from intone.core.types import Codes, Samples
from intone.train.encoded import EncodedRow
from intone.train.encoding.dataset import CODES_DIRECTORY, Origin, RowKeys, write_index
from intone.train.encoding.shards import Array, Kind, Record, Shards, ShardWriter, cut_torn_ends
from intone.train.rows import ROWS_FILE, TrainingRow, read_rows, write_rows

GIVEN = "given"
MAX_CODE = 2**16 - 1

_RECORDS_PER_APPEND = 512


def write_encoded(directory: Path, rows: Iterable[EncodedRow]) -> int:
    """Writes rows, codes and x-vectors as a dataset that `open_dataset` reads.

    Records are named by their content: writing the same rows again adds none, and after a crash
    the next call writes only what is missing. Only the rows' words are kept in memory.

    Returns:
        The number of rows.

    Raises:
        DatasetError: codes that are no frames [F, K], F > 0, of one K and 0 to 65,535; an x-vector
            that is missing in some rows only; an id that comes twice; or a directory that holds
            other rows.
        OutputError: the directory cannot be written.
    """
    codes_directory = directory / CODES_DIRECTORY
    cut_torn_ends(codes_directory)
    kept: list[TrainingRow] = []
    with ShardWriter(codes_directory) as writer:
        keeper = _Keeper(writer, Shards(codes_directory))
        keys = []
        for encoded in rows:
            keys.append(keeper.add(encoded))
            kept.append(encoded.row)
        keeper.flush()
    with_vector = _has_vectors(keys)
    _write_new_rows(directory, kept)
    write_index(
        directory, keys, Origin(codec=GIVEN, speaker_encoder=GIVEN if with_vector else None)
    )
    return len(keys)


class _Keeper:
    """Appends what no shard holds yet."""

    def __init__(self, writer: ShardWriter, shards: Shards) -> None:
        self._writer, self._shards = writer, shards
        self._seen: set[tuple[Kind, str]] = set()
        self._waiting: list[Record] = []
        self._num_codebooks: int | None = None

    def add(self, encoded: EncodedRow) -> RowKeys:
        """Takes one row and returns the names of its records."""
        reference, vector = encoded.ref_codes, encoded.x_vector
        return RowKeys(
            id=encoded.row.id,
            codes=self._codes(encoded.codes, encoded.row.id),
            x_vector=None if vector is None else self._keep("x_vector", _vector(vector)),
            ref_codes=None if reference is None else self._codes(reference, encoded.row.id),
        )

    def flush(self) -> None:
        """Returns when everything taken so far is on the disk."""
        self._writer.append(self._waiting)
        self._waiting = []

    def _codes(self, codes: Codes, row_id: str) -> str:
        _check_codes(codes, row_id, self._num_codebooks)
        self._num_codebooks = codes.shape[1]
        return self._keep("codes", codes.astype(np.uint16))

    def _keep(self, kind: Kind, array: Array) -> str:
        sha = hashlib.sha256(f"{GIVEN} {kind} {array.shape}\n".encode())
        sha.update(array.tobytes())
        key = sha.hexdigest()
        if (kind, key) not in self._seen and (kind, key) not in self._shards:
            self._waiting.append(Record(kind, key, array))
        self._seen.add((kind, key))
        if len(self._waiting) >= _RECORDS_PER_APPEND:
            self.flush()
        return key


def _check_codes(codes: Codes, row_id: str, num_codebooks: int | None) -> None:
    allowed = "K" if num_codebooks is None else str(num_codebooks)
    if codes.ndim != 2 or not codes.size or num_codebooks not in (None, codes.shape[1]):
        raise DatasetError(
            f"row {row_id}: codes have the shape {list(codes.shape)}; give frames [F, {allowed}], "
            "one or more, with the same number of codebooks in every row."
        )
    if codes.min() < 0 or codes.max() > MAX_CODE:
        raise DatasetError(
            f"row {row_id}: codes from {codes.min()} to {codes.max()}; allowed: 0 to {MAX_CODE}."
        )


def _vector(vector: Samples) -> Array:
    return np.ascontiguousarray(vector, dtype=np.float32)


def _has_vectors(keys: list[RowKeys]) -> bool:
    without = [each.id for each in keys if each.x_vector is None]
    if without and len(without) < len(keys):
        raise DatasetError(
            f"{len(without)} of {len(keys)} rows have no x-vector ({', '.join(without[:5])}); "
            "give one to every row, or to none."
        )
    return not without and bool(keys)


def _write_new_rows(directory: Path, rows: list[TrainingRow]) -> None:
    path = directory / ROWS_FILE
    ids = [row.id for row in rows]
    if len(set(ids)) < len(ids):
        twice = next(each for each in ids if ids.count(each) > 1)
        raise DatasetError(f"two rows have the id {twice!r}; ids must be unique in a dataset.")
    if path.exists() and {row.id for row in read_rows(path)} != set(ids):
        raise DatasetError(f"{path} holds other rows; choose another directory, or delete it.")
    write_rows(path, rows)
