"""Datasets as people have them, read row by row into one set of keys; nothing is judged here.

| source | what it is |
|---|---|
| `FILE.jsonl` | an object per line: the founding format, upstream's, and our own `rows.jsonl` |
| `FILE.csv`, `.tsv`, `.txt` | a header of known names, separated by `,` `;` tab or `|` |
| the same without a header | LJSpeech: `id|text` or `id|text|normalised text`, clips in `wavs/` |
| a folder | the one such file in it, or else clips with a `.txt` or `.lab` beside each |

A row that cannot be read becomes a `Rejection`; a source that cannot be read is an error.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from intone.core.errors import DatasetError
from intone.train.data.source_folders import read_folder
from intone.train.data.source_keys import Read, SourceOptions
from intone.train.data.source_tables import read_jsonl, read_table

_TABLE_NAMES = ("rows.jsonl", "metadata.jsonl", "metadata.csv", "metadata.tsv", "metadata.txt")


def read_source(path: Path, options: SourceOptions) -> Iterator[Read]:
    """Yields every row of a source, in order; a row that cannot be read as its `Rejection`.

    Raises:
        DatasetError: missing, ambiguous, of no known format, or with columns that mean nothing.
    """
    table = _table_in(path)
    if table is None:
        yield from read_folder(path, options)
    elif table.suffix == ".jsonl":
        yield from read_jsonl(table, options)
    elif table.suffix in (".csv", ".tsv", ".txt"):
        yield from read_table(table, options)
    else:
        raise DatasetError(
            f"{table} is of no known format; give a .jsonl, .csv, .tsv or .txt file, an LJSpeech "
            "folder, or a folder of clips with a .txt beside each."
        )


def _table_in(path: Path) -> Path | None:
    """Returns the file that lists the rows; None for a folder of clips and texts."""
    if not path.exists():
        raise DatasetError(f"{path} does not exist; give a file or folder of training rows.")
    if not path.is_dir():
        return path
    found = [path / name for name in _TABLE_NAMES if (path / name).is_file()]
    if len(found) > 1:
        names = ", ".join(each.name for each in found)
        raise DatasetError(f"{path} holds {names}; give the one file to read.")
    return found[0] if found else None
