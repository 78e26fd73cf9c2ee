"""A directory that one process at a time may write: whoever comes second is told, not mixed in."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from intone.audio.durable import make_directory
from intone.audio.writer import output_error
from intone.core.errors import OutputError

LOCK_FILE = "lock"


@contextmanager
def held(directory: Path, *, busy: str) -> Iterator[None]:
    """Holds a directory, made if need be, until the block ends or the process dies.

    Args:
        busy: what is said where another process holds it, and what to do.

    Raises:
        OutputError: the directory cannot be written, or another process holds it.
    """
    make_directory(directory)
    try:
        file = (directory / LOCK_FILE).open("ab")
    except OSError as error:
        raise output_error(str(directory), error) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OutputError(busy) from error
        yield
