"""The directory of a set: takes, what is known of them, and the two files that close a run.

    DIR/audio/3f/ID.wav      takes, in 256 folders
    DIR/manifest.jsonl       one line per row that has a take, in the order of the file
    DIR/failures.jsonl       one line per row that has none, with the reason
    DIR/.batch/journals/     what is finished; see `journal`
    DIR/.batch/shared        a word of this run: a worker that does not read it sees another disk

The manifest is there only while it is true: a run that has something to do takes it away first.
One process at a time holds the directory.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from intone.audio.durable import atomic_write, atomic_write_text
from intone.audio.held import held
from intone.audio.writer import output_error
from intone.core.errors import OutputError
from intone.core.types import FinishReason
from intone.deploy.offline.journal import (
    Journal,
    JournalLine,
    RowTake,
    next_run,
    read_journals,
)
from intone.deploy.offline.planned import PlannedRow, SpeakerModel
from intone.deploy.offline.speaking import RowFailure
from intone.deploy.offline.tries import Tries
from intone.render.json_records import to_json

MANIFEST, FAILURES = "manifest.jsonl", "failures.jsonl"
_FOLDER = ".batch"


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestLine:
    """One row that has a take."""

    id: str
    line: int
    text: str
    """As it was written."""
    spoken_text: str
    voice: str | None
    language: str
    file: str
    seconds: float
    sample_rate_hz: int
    num_samples: int
    pcm16_sha256: str
    seed: int
    finish_reason: FinishReason
    num_draws: int
    model: str
    fingerprint: str

    @classmethod
    def of(cls, planned: PlannedRow, take: RowTake, model: SpeakerModel) -> ManifestLine:
        """Returns the line of a row."""
        row, voice = planned.row, planned.row.request.voice
        return cls(
            id=row.id,
            line=row.line,
            text=row.text,
            spoken_text=row.request.text,
            voice=voice if isinstance(voice, str) else None,
            language=row.request.language,
            file=take.file,
            seconds=round(take.duration_s, 3),
            sample_rate_hz=take.sample_rate_hz,
            num_samples=take.num_samples,
            pcm16_sha256=take.pcm16_sha256,
            seed=take.seed,
            finish_reason=take.finish_reason,
            num_draws=take.num_draws,
            model=model.name,
            fingerprint=model.fingerprint,
        )


@dataclass(frozen=True, slots=True)
class SharedDirectory:
    """A set's directory as a worker finds it."""

    directory: Path
    """Absolute."""
    run: int
    word: str

    def check(self, where: str) -> None:
        """Raises OutputError where this is not the directory that the run was begun in."""
        try:
            found = (self.directory / _FOLDER / "shared").read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            found = ""
        if found != self.word:
            raise OutputError(
                f"{where} does not see {self.directory} of the machine that started the run; with "
                "several machines --out must be on a disk that all of them mount at that path."
            )

    def journal(self) -> Journal:
        """Returns a log for this process."""
        return Journal(_journals(self.directory), self.run)

    def tries(self) -> Tries:
        """Returns how often blocks and rows were begun in this run."""
        return Tries(self.directory / _FOLDER / "tries" / f"{self.run:06}")

    def finished(self, rows: Iterable[PlannedRow]) -> dict[str, RowTake]:
        """Returns the takes of these rows that somebody finished, in this run or before.

        Journals are read only where a file is there: rarely, after a worker has died.
        """
        there = [row for row in rows if (self.directory / row.file).exists()]
        takes = read_journals(_journals(self.directory)) if there else {}
        return _valid(self.directory, there, takes, {})


class SetDirectory:
    """The directory of a set, held by this process. Made by `open_set`."""

    def __init__(self, directory: Path) -> None:
        """Reads what is finished; the directory is held already."""
        self.shared = SharedDirectory(
            directory, next_run(_journals(directory)), secrets.token_hex(16)
        )
        self.directory = directory
        self._takes = read_journals(_journals(directory))
        self._valid: dict[str, RowTake] = {}

    def num_others(self, rows: Sequence[PlannedRow]) -> int:
        """Returns how many takes there are of rows that are not among these."""
        return len(self._takes.keys() - {planned.row.id for planned in rows})

    def finished(self, rows: Sequence[PlannedRow]) -> dict[str, RowTake]:
        """Returns the takes that are as they are asked for now, by id; their files are there."""
        return _valid(self.directory, rows, self._takes, self._valid)

    def begin(self, missing: Sequence[PlannedRow]) -> None:
        """Makes ready for rows to be made: takes that they replace are finished no longer."""
        self._remove(MANIFEST)
        self._remove(FAILURES)
        atomic_write_text(self.directory / _FOLDER / "shared", self.shared.word)
        replaced = [
            JournalLine(id=planned.row.id, take=None)
            for planned in missing
            if planned.row.id in self._takes
        ]
        if replaced:
            self.shared.journal().add(replaced)

    def write_failures(self, failures: Iterable[RowFailure]) -> Path:
        """Writes why rows have no take, in the order of the file; empty where all have."""
        ordered = sorted(failures, key=lambda failure: failure.line)
        return self._write(FAILURES, (to_json(one, indent=None) for one in ordered))

    def write_manifest(self, lines: Iterable[ManifestLine]) -> Path:
        """Writes a line per row that has a take, in the order given; the run ends with it."""
        self.shared.tries().forget()
        return self._write(MANIFEST, (to_json(line, indent=None) for line in lines))

    def _write(self, name: str, lines: Iterable[str]) -> Path:
        def write(file: BinaryIO) -> None:
            file.writelines(f"{line}\n".encode() for line in lines)

        atomic_write(self.directory / name, write)
        return self.directory / name

    def _remove(self, name: str) -> None:
        try:
            (self.directory / name).unlink(missing_ok=True)
        except OSError as error:
            raise output_error(str(self.directory / name), error) from error


@contextmanager
def open_set(out: Path) -> Iterator[SetDirectory]:
    """Yields the directory of a set: a new one, or the one that was left.

    Raises:
        OutputError: it cannot be written, or another process holds it.
        RecordError: a file among the journals is none.
    """
    busy = f"another process is speaking a set into {out}; wait for it, or use another --out."
    with held(out / _FOLDER, busy=busy):
        yield SetDirectory(out.resolve())


def _valid(
    directory: Path,
    rows: Iterable[PlannedRow],
    takes: dict[str, RowTake],
    found: dict[str, RowTake],
) -> dict[str, RowTake]:
    """Returns the takes of rows that have the row's key, and whose file is whole."""
    for planned in rows:
        take = takes.get(planned.row.id)
        if take is not None and take.key == planned.key and _is_whole(directory, take):
            found[planned.row.id] = take
    return found


def _is_whole(directory: Path, take: RowTake) -> bool:
    try:
        return (directory / take.file).stat().st_size == take.file_bytes
    except OSError:
        return False


def _journals(directory: Path) -> Path:
    return directory / _FOLDER / "journals"
