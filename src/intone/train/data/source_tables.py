"""Rows listed in one text file: JSON lines, a table with a header, LJSpeech's three columns."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Literal

from intone.core.errors import DatasetError
from intone.train.data.source_folders import AUDIO_SUFFIXES
from intone.train.data.source_keys import (
    Read,
    SourceOptions,
    SourceRow,
    check_header,
    key_of,
    malformed,
    source_row,
)
from intone.train.data.verdicts import Rejection

_SEPARATORS = ("|", "\t", ";", ",")
_NO_CHARACTER = "\ufffd"
"""What stands for bytes that are no UTF-8."""


def read_jsonl(table: Path, options: SourceOptions) -> Iterator[Read]:
    """Yields a row per line that is not blank; raises DatasetError for a file it cannot open."""
    for number, line in _lines(table):
        row_id = f"{table.name}:{number}"
        if isinstance(line, Rejection):
            yield line
        elif line.strip():
            yield _parse_json(row_id, line, table.parent, options)


def _parse_json(row_id: str, line: str, folder: Path, options: SourceOptions) -> Read:
    try:
        data = json.loads(line)
    except (ValueError, RecursionError) as error:  # also a number of thousands of digits
        return malformed(row_id, f"no JSON: {error}", line)
    if not isinstance(data, dict):
        return malformed(row_id, f"a {type(data).__name__}; a row is an object", line)
    return source_row(row_id, data, folder, options)


def read_table(table: Path, options: SourceOptions) -> Iterator[Read]:
    """Yields the rows below a header of known names, or LJSpeech's rows.

    Raises:
        DatasetError: it cannot be opened, or begins with neither.
    """
    lines = iter(_lines(table))
    first = next(lines, None)
    if first is None:
        return
    if isinstance(first[1], Rejection):
        raise DatasetError(f"{table} does not begin with UTF-8 text; convert it to UTF-8.")
    separator = next((each for each in _SEPARATORS if each in first[1]), ",")
    header = [name.strip() for name in _cells(first[1], separator)]
    if {"audio", "text"} <= {key_of(name, options) for name in header}:
        check_header(header, table, options)
        yield from _read_columns(table, header, separator, options)
    elif separator == "|":
        yield from _read_ljspeech(table, options)
    else:
        raise DatasetError(
            f"{table} begins with {first[1].strip()[:80]!r}; a header names at least audio and "
            "text (--column audio=NAME renames), LJSpeech rows are id|text."
        )


def _read_columns(
    table: Path, header: list[str], separator: str, options: SourceOptions
) -> Iterator[Read]:
    reader = csv.reader(_decoded(table), delimiter=separator, quoting=_quoting(separator))
    while True:
        number = reader.line_num + 1
        row_id = f"{table.name}:{number}"
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield malformed(row_id, f"no table row: {error}", "")
            continue
        if not cells or number == 1:
            continue
        problem = _problem(cells, header, reader.line_num - number)
        if problem:
            yield malformed(row_id, problem, separator.join(cells))
        else:
            filled = {name: cell for name, cell in zip(header, cells, strict=True) if cell.strip()}
            yield source_row(row_id, filled, table.parent, options)


def _problem(cells: list[str], header: list[str], more_lines: int) -> str | None:
    if more_lines:  # reading on would swallow rows: most likely nobody meant it
        return f"a cell goes on for {more_lines} more lines; is a quotation mark not closed?"
    if any(_NO_CHARACTER in cell for cell in cells):
        return "no UTF-8; convert the file"
    if len(cells) != len(header):
        return f"{len(cells)} columns; the header has {len(header)}"
    return None


def _read_ljspeech(table: Path, options: SourceOptions) -> Iterator[Read]:
    """Yields `id|text|normalised`; the normalised text is what is spoken, where there is one."""
    root = options.audio_root or table.parent
    for number, line in _lines(table):
        row_id = f"{table.name}:{number}"
        if isinstance(line, Rejection):
            yield line
            continue
        if not line.strip():
            continue
        cells = [cell.strip() for cell in line.rstrip("\r\n").split("|")]
        if len(cells) not in (2, 3) or not cells[0]:
            yield malformed(row_id, f"{len(cells)} columns; LJSpeech has id|text|normalised", line)
            continue
        values = {"audio": str(_ljspeech_clip(root, cells[0])), "text": cells[-1] or cells[1]}
        yield SourceRow(id=row_id, values=values, audio_root=root)


def _ljspeech_clip(root: Path, name: str) -> Path:
    """Returns the clip of an LJSpeech id; where there is none, the path where it should be."""
    suffixes = ("",) if name.lower().endswith(AUDIO_SUFFIXES) else AUDIO_SUFFIXES
    places = [root / folder / f"{name}{suffix}" for folder in ("wavs", "") for suffix in suffixes]
    return next((place for place in places if place.is_file()), places[0])


def _lines(table: Path) -> Iterator[tuple[int, str | Rejection]]:
    """Yields numbered lines; one that is no UTF-8 as its rejection."""
    with _opened(table) as file:
        for number, line in enumerate(file, 1):
            try:
                yield number, line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                shown = line.decode("utf-8", errors="replace")
                yield number, malformed(f"{table.name}:{number}", f"no UTF-8: {error}", shown)


def _decoded(table: Path) -> Iterator[str]:
    """Yields lines for the csv reader; bytes that are no UTF-8 become U+FFFD."""
    for _, line in _lines(table):
        yield str(line.row["line"]) if isinstance(line, Rejection) else line


def _opened(table: Path) -> BinaryIO:
    try:
        return table.open("rb")
    except OSError as error:
        raise DatasetError(f"{table} cannot be read: {error.strerror}.") from error


def _cells(line: str, separator: str) -> list[str]:
    return next(csv.reader([line], delimiter=separator, quoting=_quoting(separator)), [])


def _quoting(separator: str) -> Literal[0, 3]:
    """A pipe separates raw text, where a quotation mark is one."""
    return csv.QUOTE_NONE if separator == "|" else csv.QUOTE_MINIMAL
