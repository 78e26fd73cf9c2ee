"""One training row, as every stage after the reading knows it, and the file that holds them.

`rows.jsonl` has one row per line: the fields of `TrainingRow` by name, absent where they are None.
Paths inside the file's folder are relative to it, so that a dataset can be moved as a whole.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

from intone.audio.durable import atomic_write_text
from intone.core.errors import DatasetError

Split = Literal["train", "validation"]

DEFAULT_SPEAKER = "speaker"
ROWS_FILE = "rows.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRow:
    """One utterance: a clip, or a stretch of one, and its words."""

    id: str
    """Where it was read, "metadata.jsonl:12"; unique in a dataset."""
    audio: Path
    text: str
    speaker: str = DEFAULT_SPEAKER
    """Lower case: upstream looks speakers up in lower case."""
    language: str = "auto"
    """Lower case, a language of the model, or "auto"."""
    instruct: str | None = None
    """How it is said."""
    ref_audio: Path | None = None
    """Another clip of the speaker: the source of the x-vector, and with `ref_text` of an ICL
    prompt. None uses the row's own clip for the x-vector."""
    ref_text: str | None = None
    start_s: float | None = None
    """First second of `audio` that belongs to the row; None is its beginning."""
    end_s: float | None = None
    """None is the end of `audio`."""
    split: Split = "train"


_PATHS = frozenset({"audio", "ref_audio"})
_SECONDS = frozenset({"start_s", "end_s"})
_FIELDS = frozenset(field.name for field in fields(TrainingRow))
_REQUIRED = frozenset({"id", "audio", "text"})


def write_rows(path: Path, rows: Iterable[TrainingRow]) -> int:
    """Writes rows in order, whole or not at all, and returns how many there were.

    Raises:
        OutputError: the file cannot be written; an older one is left as it was.
    """
    lines = [json.dumps(row_to_json(row, path.parent), ensure_ascii=False) for row in rows]
    atomic_write_text(path, "".join(f"{line}\n" for line in lines))
    return len(lines)


def read_rows(path: Path) -> list[TrainingRow]:
    """Returns the rows of a file that `write_rows` wrote, in order, with absolute paths.

    Args:
        path: the file, or the directory that holds `rows.jsonl`.

    Raises:
        DatasetError: missing, no UTF-8, or a line that is no row; the message names the line.
    """
    file = path / ROWS_FILE if path.is_dir() else path
    try:
        lines = file.read_text(encoding="utf-8").split("\n")
    except FileNotFoundError as error:
        raise DatasetError(
            f"{file} does not exist; make it with `intone train check SOURCE --out {file.parent}`."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{file} cannot be read ({error}); check the dataset again.") from error
    rows = [_parse(line, f"{file}:{i}", file.parent) for i, line in enumerate(lines, 1) if line]
    _check_ids(rows, file)
    return rows


def row_to_json(row: TrainingRow, folder: Path) -> dict[str, str | float]:
    """Returns the row's fields without the Nones; paths inside `folder` are relative to it."""
    values: dict[str, str | float] = {}
    for name in (field.name for field in fields(TrainingRow)):
        value = getattr(row, name)
        if value is not None:
            values[name] = portable_path(value, folder) if name in _PATHS else value
    return values


def portable_path(path: Path, folder: Path) -> str:
    """Returns the path with forward slashes: relative if inside `folder`, else absolute."""
    absolute, root = Path(os.path.abspath(path)), Path(os.path.abspath(folder))
    return (absolute.relative_to(root) if absolute.is_relative_to(root) else absolute).as_posix()


def _parse(line: str, where: str, folder: Path) -> TrainingRow:
    try:
        data = json.loads(line)
    except json.JSONDecodeError as error:
        raise _damaged(where, f"is no JSON ({error})") from error
    if not isinstance(data, dict):
        raise _damaged(where, f"holds a {type(data).__name__}, not an object")
    unknown, missing = data.keys() - _FIELDS, _REQUIRED - data.keys()
    if unknown or missing:
        raise _damaged(where, f"has unknown fields {sorted(unknown)}, lacks {sorted(missing)}")
    return TrainingRow(**{name: _value(data, name, where, folder) for name in data})


def _value(data: Mapping[str, Any], name: str, where: str, folder: Path) -> Any:
    value = data[name]
    if name in _SECONDS:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _damaged(where, f"has {name} {value!r}, not a number of seconds")
        return float(value)
    if not isinstance(value, str):
        raise _damaged(where, f"has {name} {value!r}, not a string")
    if name == "split" and value not in get_args(Split):
        raise _damaged(where, f"has split {value!r}, not one of {', '.join(get_args(Split))}")
    return Path(os.path.abspath(folder / value)) if name in _PATHS else value


def _damaged(where: str, what: str) -> DatasetError:
    return DatasetError(f"{where} {what}; `intone train check` writes and reads any other format.")


def _check_ids(rows: list[TrainingRow], file: Path) -> None:
    seen: set[str] = set()
    for row in rows:
        if row.id in seen:
            raise DatasetError(f"{file} has two rows with the id {row.id!r}; ids must be unique.")
        seen.add(row.id)
