"""An uploaded archive of clips and texts, unpacked: nothing outside its folder, nothing too large.

Every name is checked before a byte is written, and what is written is counted, since an archive
says of itself what it likes. It is unpacked whole or not at all.
"""

from __future__ import annotations

import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from intone.audio.durable import make_directory
from intone.audio.writer import output_error
from intone.core.errors import DatasetError
from intone.train.data.source_folders import AUDIO_SUFFIXES

TEXT_SUFFIXES = (".txt", ".lab", ".jsonl", ".csv", ".tsv")

_BLOCK_BYTES = 1 << 20
_JUNK = ("__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini")


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveLimits:
    """What is unpacked at most."""

    num_files: int = 100_000
    file_bytes: int = 1 << 30
    total_bytes: int = 16 << 30
    free_bytes: int = 1 << 30
    """That stay free on the disk."""


def unpack(archive: Path, target: Path, limits: ArchiveLimits | None = None) -> tuple[str, ...]:
    """Unpacks sound and texts into `target`, a new directory; returns the names that it left out.

    Raises:
        DatasetError: no archive, damaged, locked, too large, or with names that lead elsewhere.
        OutputError: the directory cannot be written.
    """
    limits = limits or ArchiveLimits()
    make_directory(target.parent)
    try:
        with zipfile.ZipFile(archive) as opened:
            entries = [entry for entry in opened.infolist() if not entry.is_dir()]
            wanted, left_out = _sorted_out(entries)
            _check_sizes(wanted, target.parent, limits)
            with tempfile.TemporaryDirectory(prefix=".unpacking-", dir=target.parent) as part:
                for entry, name in wanted:
                    _write(opened, entry, Path(part, *name.parts), limits)
                Path(part).rename(target)
                Path(part).mkdir()  # for its own removal
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise DatasetError(
            f"the file is no .zip archive, or it is damaged ({error}); pack the clips and their "
            "texts into a .zip again."
        ) from error
    except (RuntimeError, NotImplementedError) as error:  # a password; an unusual compression
        raise DatasetError(
            f"the archive cannot be unpacked: {error}; pack it as a plain .zip, without a password."
        ) from error
    except OSError as error:
        raise output_error(str(target), error) from error
    return left_out


def only_folder(directory: Path) -> Path:
    """Returns the one folder that an archive was packed as, else the directory itself."""
    while True:
        found = list(directory.iterdir())
        if len(found) != 1 or not found[0].is_dir():
            return directory
        directory = found[0]


def _sorted_out(
    entries: Sequence[zipfile.ZipInfo],
) -> tuple[list[tuple[zipfile.ZipInfo, PurePosixPath]], tuple[str, ...]]:
    wanted, left_out, seen = [], [], set()
    for entry in entries:
        name = _safe_name(entry)
        if any(part in _JUNK or part.startswith("._") for part in name.parts):
            continue  # of file managers; nobody put it there
        if name in seen:
            raise DatasetError(f"the archive holds {str(name)!r} twice; pack it again.")
        seen.add(name)
        if name.suffix.lower() in (*AUDIO_SUFFIXES, *TEXT_SUFFIXES):
            wanted.append((entry, name))
        else:
            left_out.append(str(name))
    if not any(name.suffix.lower() in AUDIO_SUFFIXES for _, name in wanted):
        raise DatasetError(
            f"the archive holds no sound; allowed: {', '.join(AUDIO_SUFFIXES)}, each with a .txt "
            "of the same name, or one table of all."
        )
    return wanted, tuple(left_out)


def _safe_name(entry: zipfile.ZipInfo) -> PurePosixPath:
    name = PurePosixPath(entry.filename.replace("\\", "/"))
    is_link = stat.S_ISLNK(entry.external_attr >> 16)
    leads_away = name.is_absolute() or ".." in name.parts or ":" in name.parts[0]
    if is_link or leads_away or "\0" in entry.filename:
        raise DatasetError(
            f"the archive names {entry.filename!r}, which would lie outside its folder; nothing "
            "was unpacked. Pack plain files with relative names."
        )
    return name


def _check_sizes(
    wanted: Sequence[tuple[zipfile.ZipInfo, PurePosixPath]], target: Path, limits: ArchiveLimits
) -> None:
    if len(wanted) > limits.num_files:
        raise DatasetError(
            f"the archive holds {len(wanted):,} files; allowed: up to {limits.num_files:,}. "
            "Give a folder on this machine instead."
        )
    largest = max(wanted, key=lambda each: each[0].file_size)
    if largest[0].file_size > limits.file_bytes:
        raise _too_large(str(largest[1]), largest[0].file_size, limits.file_bytes)
    total = sum(entry.file_size for entry, _ in wanted)
    if total > limits.total_bytes:
        raise _too_large("the archive", total, limits.total_bytes)
    free = shutil.disk_usage(target).free - limits.free_bytes
    if total > free:
        raise _too_large("the archive", total, max(0, free))


def _too_large(what: str, size: int, allowed: int) -> DatasetError:
    return DatasetError(
        f"{what} would be {size / 1e9:.2f} GB unpacked; allowed here: {allowed / 1e9:.2f} GB. "
        "Give a folder on this machine instead, or free some space."
    )


def _write(
    opened: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path, limits: ArchiveLimits
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    num_bytes = 0
    with opened.open(entry) as source, path.open("xb") as file:
        for block in _blocks(source):
            num_bytes += len(block)
            if num_bytes > min(entry.file_size, limits.file_bytes):
                raise DatasetError(
                    f"{entry.filename} is larger than the archive says; nothing was unpacked. "
                    "Pack it again."
                )
            file.write(block)


def _blocks(source: IO[bytes]) -> Iterator[bytes]:
    while block := source.read(_BLOCK_BYTES):
        yield block
