"""How often work was begun in a run: what takes worker after worker with it is found, and left.

    DIR/.batch/tries/000003/HASH     one byte for each time that something was begun

A worker cannot tell of its own death, so it tells beforehand. Only a machine's crash may lose a
count, and then the worker is not to blame.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from intone.audio.durable import make_directory
from intone.audio.writer import output_error


@dataclass(frozen=True, slots=True)
class Tries:
    """The counts of one run, shared by its workers."""

    directory: Path

    def begin(self, what: str) -> int:
        """Returns how often this has been begun now, from 1; raises OutputError."""
        path = self.directory / hashlib.sha256(what.encode()).hexdigest()[:32]
        make_directory(self.directory)
        try:
            with path.open("ab") as file:
                file.write(b".")
            return path.stat().st_size
        except OSError as error:
            raise output_error(str(path), error) from error

    def forget(self) -> None:
        """Removes the counts, when the run has ended."""
        shutil.rmtree(self.directory, ignore_errors=True)
