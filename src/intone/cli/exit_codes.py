"""The one table from errors to exit codes; `docs/cli.md` shows it, and a test compares the two."""

from __future__ import annotations

from intone.core.errors import (
    BatchError,
    BenchError,
    CapacityError,
    DownloadError,
    EngineStoppedError,
    IntoneError,
    MissingDependencyError,
    ModelError,
    OutputError,
    RemoteError,
    RequestError,
    TrainError,
)

EXIT_OK = 0
EXIT_INTERNAL = 1
EXIT_USAGE = 2
"""argparse's own."""
EXIT_INTERRUPTED = 130
EXIT_UNREAD = 141
"""What a shell reports of a program whose reader left."""
EXIT_TERMINATED = 143

_CODES: tuple[tuple[type[IntoneError], int], ...] = (
    (RequestError, 3),
    (DownloadError, 5),
    (ModelError, 4),
    (OutputError, 6),
    (MissingDependencyError, 7),
    (CapacityError, 8),
    (EngineStoppedError, 8),
    (BenchError, 9),
    (TrainError, 10),
    (RemoteError, 11),
    (BatchError, 12),
)


def exit_code(error: IntoneError) -> int:
    """Returns the exit code of an error: that of its first class in the table."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), EXIT_INTERNAL)
