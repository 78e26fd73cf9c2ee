"""An encoded dataset on disk: `rows.jsonl`, and under `codes/` the shards and which row has what.

`codes/encoded.json` names for each row the records of its codes, x-vector and reference codes. It
belongs to one `rows.jsonl`, by hash: after a change there, `intone train encode` runs again and
encodes what changed. Reading maps the shards into memory and makes a row when it is asked for.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, overload

import numpy as np

from intone.audio.durable import atomic_write_text
from intone.core.errors import DatasetError
from intone.core.types import Codes, Samples
from intone.train.encoded import EncodedDataset, EncodedRow
from intone.train.encoding.shards import Kind, Shards
from intone.train.rows import ROWS_FILE, TrainingRow, read_rows, row_to_json

CODES_DIRECTORY = "codes"
INDEX_FILE = "encoded.json"
FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RowKeys:
    """The records that belong to one row."""

    id: str
    codes: str
    x_vector: str | None = None
    ref_codes: str | None = None

    def names(self) -> list[tuple[Kind, str]]:
        """Returns kind and key of every record that the row needs."""
        wanted: list[tuple[Kind, str | None]] = [
            ("codes", self.codes),
            ("x_vector", self.x_vector),
            ("codes", self.ref_codes),
        ]
        return [(kind, key) for kind, key in wanted if key is not None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What made the records."""

    codec: str
    """Identity of the codec encoder; "given" where codes came from elsewhere."""
    speaker_encoder: str | None
    """None: there are no x-vectors."""


def open_dataset(directory: Path) -> EncodedDataset:
    """Returns an encoded dataset; its arrays stay in the files until a row is asked for.

    Args:
        directory: holds `rows.jsonl` and `codes/`.

    Raises:
        DatasetError: not encoded, encoded before `rows.jsonl` changed, or damaged; the message
            says what to run.
    """
    index = _read_index(directory)
    rows = {row.id: row for row in read_rows(directory)}
    if index["rows_sha256"] != rows_hash(directory):
        raise _again(directory, f"{ROWS_FILE} has changed since it was encoded")
    keys = [RowKeys(**item) for item in index["rows"]]
    shards = Shards(directory / CODES_DIRECTORY)
    absent = [each.id for each in keys if shards.missing(each.names())]
    if absent:
        shown = ", ".join(absent[:5])
        raise _again(directory, f"{len(absent)} of {len(keys)} rows lack their codes ({shown})")
    encoded = _StoredRows([rows[each.id] for each in keys], keys, shards)
    return EncodedDataset(
        rows=encoded, speakers=speaker_means(encoded), content_hash=encoded.content_hash()
    )


class _StoredRows(Sequence[EncodedRow]):
    """Rows that are made from the shards when they are asked for."""

    def __init__(self, rows: list[TrainingRow], keys: list[RowKeys], shards: Shards) -> None:
        self._rows, self._keys, self._shards = rows, keys, shards

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> EncodedRow: ...
    @overload
    def __getitem__(self, index: slice) -> list[EncodedRow]: ...
    def __getitem__(self, index: int | slice) -> EncodedRow | list[EncodedRow]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        keys = self._keys[index]
        codes = self._codes(keys.codes)
        assert codes is not None
        return EncodedRow(
            row=self._rows[index],
            codes=codes,
            x_vector=self._x_vector(keys.x_vector),
            ref_codes=self._codes(keys.ref_codes),
        )

    def _codes(self, key: str | None) -> Codes | None:
        return None if key is None else self._shards.array("codes", key).astype(np.int64)

    def _x_vector(self, key: str | None) -> Samples | None:
        return None if key is None else self._shards.array("x_vector", key).astype(np.float32)

    def content_hash(self) -> str:
        """Returns the SHA-256 of every row's words and records; where sound lies is left out."""
        sha = hashlib.sha256()
        for row, keys in zip(self._rows, self._keys, strict=True):
            told: dict[str, Any] = row_to_json(row, Path())
            told |= {"audio": None, "ref_audio": None, "has_reference": keys.ref_codes is not None}
            told["records"] = [self._shards.entry(*name).sha256 for name in keys.names()]
            sha.update(json.dumps(told, sort_keys=True).encode("utf-8") + b"\n")
        return sha.hexdigest()


def speaker_means(rows: Iterable[EncodedRow]) -> dict[str, Samples]:
    """Returns the mean x-vector of each speaker's training rows, fp32 [H], in order of names.

    Summed in fp64: in bf16 others saw speakers blur into each other.
    """
    found: dict[str, list[Samples]] = {}
    for encoded in rows:
        if encoded.row.split == "train" and encoded.x_vector is not None:
            found.setdefault(encoded.row.speaker, []).append(encoded.x_vector)
    means: dict[str, Samples] = {}
    for name in sorted(found):
        means[name] = np.stack(found[name]).mean(axis=0, dtype=np.float64).astype(np.float32)
    return means


def write_index(directory: Path, keys: Sequence[RowKeys], origin: Origin) -> None:
    """Writes which records belong to which row of `rows.jsonl`; raises OutputError."""
    index = {
        "format": FORMAT,
        "rows_sha256": rows_hash(directory),
        "origin": asdict(origin),
        "rows": [asdict(each) for each in keys],
    }
    atomic_write_text(directory / CODES_DIRECTORY / INDEX_FILE, json.dumps(index, indent=0))


def read_origin(directory: Path) -> Origin:
    """Returns what made a dataset's records; raises DatasetError as `open_dataset` does."""
    return Origin(**_read_index(directory)["origin"])


def rows_hash(directory: Path) -> str:
    """Returns the SHA-256 of `rows.jsonl` as it stands; raises DatasetError where it is gone."""
    path = directory / ROWS_FILE
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise DatasetError(f"{path} cannot be read ({error.strerror}); check the data.") from error


def _read_index(directory: Path) -> dict[str, Any]:
    path = directory / CODES_DIRECTORY / INDEX_FILE
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise _again(directory, "it is not encoded yet") from error
    except (OSError, ValueError) as error:
        raise _again(directory, f"{path.name} cannot be read ({error})") from error
    if not isinstance(index, dict) or index.get("format") != FORMAT:
        raise _again(directory, f"{path.name} is not of format {FORMAT}, which this version reads")
    return index


def _again(directory: Path, what: str) -> DatasetError:
    return DatasetError(f"{directory}: {what}; run `intone train encode {directory} --model BASE`.")
