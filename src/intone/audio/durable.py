"""Files that outlive a power cut: whole or absent, and logs that grow by whole lines.

A file is written beside its target under a hidden name, synced, renamed, and its directory synced:
a reader sees the old file or the new one, never half of one.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

from intone.audio.writer import output_error
from intone.core.errors import OutputError


def atomic_write(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Lets `write` fill a file that takes the name `path` only when it is complete.

    Directories on the way are made. What `write` raises leaves an older file as it was.

    Raises:
        OutputError: the system refused; nothing is left behind.
    """
    make_directory(path.parent)
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with part.open("xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
        sync_directory(path.parent)
    except OSError as error:
        raise output_error(str(path), error) from error
    finally:
        part.unlink(missing_ok=True)


def atomic_write_bytes(path: Path, data: bytes) -> None:
    """Writes a whole file; raises OutputError as `atomic_write` does."""
    atomic_write(path, lambda file: file.write(data))


def atomic_write_text(path: Path, text: str) -> None:
    """Writes a whole UTF-8 file with the line ends of `text`; raises as `atomic_write` does."""
    atomic_write_bytes(path, text.encode("utf-8"))


def append_line_synced(path: Path, line: str) -> None:
    """Appends one line to a log; see `append_lines_synced`."""
    append_lines_synced(path, [line])


def append_lines_synced(path: Path, lines: Sequence[str]) -> None:
    """Appends lines to a UTF-8 log and returns when they are on the disk.

    A last line without its end, left by a crash, is closed first, so that it cannot swallow the
    next one; readers of such a log skip the line that does not parse.

    Args:
        lines: without their ends; a line break inside would make two records of one.

    Raises:
        OutputError: the system refused.
    """
    if any("\n" in line for line in lines):
        raise ValueError("a log line holds a line break; encode it first, for example as JSON")
    data = "".join(f"{line}\n" for line in lines).encode("utf-8")
    make_directory(path.parent)
    try:
        with path.open("ab+") as file:
            file.write(_missing_line_end(file) + data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise output_error(str(path), error) from error


def make_directory(directory: Path) -> None:
    """Makes a directory and those above it; raises OutputError when a file is in the way."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise OutputError(
            f"cannot make the directory {directory}: a file has that name; choose another."
        ) from error
    except OSError as error:
        raise output_error(str(directory), error) from error


def sync_file(path: Path) -> None:
    """Returns when a closed file and its name are on the disk; raises OutputError if not."""
    try:
        with path.open("rb+") as file:
            os.fsync(file.fileno())
        sync_directory(path.parent)
    except OSError as error:
        raise output_error(str(path), error) from error


def sync_directory(directory: Path) -> None:
    """Makes renames and new names in a directory durable; a no-op where directories cannot sync."""
    if os.name == "nt":
        return
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _missing_line_end(file: BinaryIO) -> bytes:
    if file.seek(0, os.SEEK_END) == 0:
        return b""
    file.seek(-1, os.SEEK_END)
    return b"" if file.read(1) == b"\n" else b"\n"
