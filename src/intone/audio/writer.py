"""What every output has in common: the writer contract, and one line for each way it can fail."""

from __future__ import annotations

import errno
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

from intone.core.errors import OutputError
from intone.core.types import Samples

_REASONS = {
    errno.EACCES: "permission denied; choose a directory you may write to",
    errno.EPERM: "permission denied; choose a directory you may write to",
    errno.EROFS: "the file system is read-only; choose another directory",
    errno.ENOENT: "no such directory; create it first",
    errno.ENOTDIR: "a part of the path is a file, not a directory",
    errno.EISDIR: "that is a directory; add a file name, for example out.wav",
    errno.ENOSPC: "the disk is full; free some space or write elsewhere",
    errno.EDQUOT: "the disk quota is used up; free some space or write elsewhere",
    errno.EPIPE: "the program reading the pipe has gone",
    errno.ENAMETOOLONG: "the file name is too long; choose a shorter one",
}


class AudioWriter(ABC):
    """Takes mono samples in order. As a context manager it closes, or aborts on an exception."""

    @abstractmethod
    def write(self, samples: Samples) -> None:
        """Appends samples [S] in [-1, 1]; what lies outside is clipped.

        Raises:
            OutputError: the samples could not be written; only `abort` makes sense after it.
        """

    @abstractmethod
    def close(self) -> None:
        """Completes the output.

        Raises:
            OutputError: it could not be completed; no file is left behind.
        """

    @abstractmethod
    def abort(self) -> None:
        """Gives up: a file vanishes, a pipe just ends. Never raises; does nothing after `close`."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if exc_type is None:
            self.close()
        else:
            self.abort()


class Nowhere(AudioWriter):
    """Takes samples and keeps none."""

    def write(self, samples: Samples) -> None:
        pass

    def close(self) -> None:
        pass

    def abort(self) -> None:
        pass


def output_error(target: str, error: OSError) -> OutputError:
    """Returns the error to raise when the system refused to write to `target`."""
    reason = _REASONS.get(error.errno or 0) or error.strerror or str(error)
    return OutputError(f"cannot write {target}: {reason}.")
