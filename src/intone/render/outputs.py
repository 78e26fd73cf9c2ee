"""Every take is kept: a folder of WAV files with a record beside each.

Names say mode and time: `say_20260131_154500.wav`, `say_20260131_154500_2.wav`. A name is claimed
before it is used, by exclusive creation of a hidden file, so that takes of one second never
overwrite each other, in one process or in several. The record appears first, then the audio, each
by one rename: a record without audio can be drawn again, audio without a record cannot.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from intone.audio.durable import atomic_write_text, make_directory, sync_file
from intone.audio.files import AudioFormat, save
from intone.audio.writer import output_error
from intone.core.errors import InvalidSettingError, OutputError
from intone.core.types import Samples
from intone.render.sidecar import TakeRecord

DEFAULT_FOLDER = "outputs"

_MODE = re.compile(r"[a-z][a-z0-9-]{0,31}")
_MAX_TAKES_PER_SECOND = 10_000


@dataclass(frozen=True, slots=True)
class KeptTake:
    """Where a take lies."""

    audio: Path
    record: Path


def local_now() -> datetime:
    """Returns the time of this place, with its offset."""
    return datetime.now().astimezone()


def record_time() -> str:
    """Returns the time of this place as records keep it: ISO 8601, its offset, whole seconds."""
    return local_now().isoformat(timespec="seconds")


class OutputFolder:
    """Keeps takes in one directory, which is made with the first."""

    def __init__(self, directory: Path, *, now: Callable[[], datetime] = local_now) -> None:
        self.directory = directory
        self._now = now

    def save(
        self, samples: Samples, sample_rate_hz: int, record: TakeRecord, format: AudioFormat = "wav"
    ) -> KeptTake:
        """Writes samples [S] and the record under the next free name of `record.mode`.

        Raises:
            OutputError: the system refused; neither file is left behind.
        """
        with self.claimed(record.mode) as stem:
            return self.write(stem, samples, sample_rate_hz, record, format)

    def write(
        self,
        stem: str,
        samples: Samples,
        sample_rate_hz: int,
        record: TakeRecord,
        format: AudioFormat = "wav",
    ) -> KeptTake:
        """Writes samples [S] and the record under a claimed stem, or one that goes on with a dot.

        Raises:
            OutputError: the system refused; neither file is left behind.
        """
        audio = self.directory / f"{stem}.{format}"
        path = self.directory / f"{stem}.json"
        atomic_write_text(path, replace(record, audio_file=audio.name).json())
        try:
            save(audio, samples, sample_rate_hz, format)
            sync_file(audio)
        except OutputError:
            path.unlink(missing_ok=True)
            raise
        return KeptTake(audio, path)

    @contextmanager
    def claimed(self, mode: str) -> Iterator[str]:
        """Yields a stem that nobody else gets: no file has it, with whatever ending.

        Raises:
            InvalidSettingError: the mode is no plain word.
            OutputError: the directory cannot be written.
        """
        if not _MODE.fullmatch(mode):
            raise InvalidSettingError(
                f"mode is {mode!r}; allowed: a lower-case word of letters, digits and hyphens."
            )
        make_directory(self.directory)
        stem = f"{mode}_{self._now():%Y%m%d_%H%M%S}"
        for number in range(1, _MAX_TAKES_PER_SECOND):
            name = stem if number == 1 else f"{stem}_{number}"
            claim = self.directory / f".{name}.claim"
            if not self._claim(claim):
                continue
            try:
                if any(self.directory.glob(f"{name}.*")):
                    continue
                yield name
                return
            finally:
                claim.unlink(missing_ok=True)
        raise OutputError(f"{self.directory} has no free name {stem}_N; use another folder.")

    def _claim(self, path: Path) -> bool:
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
        except FileExistsError:
            return False
        except OSError as error:
            raise output_error(str(path.parent), error) from error
        return True
