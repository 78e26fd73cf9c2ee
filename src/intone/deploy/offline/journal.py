"""What is finished, on disk: one log per process that makes rows, a line per take, synced.

    DIR/.batch/journals/000003-host-4711-a1b2c3.jsonl     of the third run

Of several lines about one id the last one of the latest run holds. A run first says which takes of
earlier runs it is about to replace, so that a crash between a file and its line leaves no file that
passes for another take.
"""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from intone.audio.durable import append_lines_synced
from intone.core.errors import RecordError
from intone.core.types import FinishReason
from intone.render.json_records import parse_object, record_from, to_json


@dataclass(frozen=True, slots=True, kw_only=True)
class RowTake:
    """A take that is on the disk."""

    key: str
    """`PlannedRow.key` of what was asked for."""
    file: str
    file_bytes: int
    sample_rate_hz: int
    num_samples: int
    pcm16_sha256: str
    seed: int
    finish_reason: FinishReason
    num_draws: int
    num_leaked_frames: int
    wall_s: float
    maker: str
    """Host and process."""

    @property
    def duration_s(self) -> float:
        return self.num_samples / self.sample_rate_hz


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalLine:
    """What a journal says of one row."""

    id: str
    take: RowTake | None
    """None: what there was is being replaced."""


class Journal:
    """The log of this process in one run; threads may share it."""

    def __init__(self, directory: Path, run: int) -> None:
        """Names the log; it is made with its first line.

        Args:
            directory: of all journals.
            run: counts from 1.
        """
        self.maker = f"{socket.gethostname()}:{os.getpid()}"
        name = f"{run:06}-{self.maker.replace(':', '-')}-{secrets.token_hex(3)}.jsonl"
        self._path = directory / name
        self._lock = Lock()

    def add(self, lines: Iterable[JournalLine]) -> None:
        """Keeps lines; returns when they are on the disk. Raises OutputError."""
        texts = [to_json(line, indent=None) for line in lines]
        with self._lock:
            append_lines_synced(self._path, texts)


def read_journals(directory: Path) -> dict[str, RowTake]:
    """Returns the takes that are finished, by id; a line that was cut short is skipped."""
    found: dict[str, RowTake | None] = {}
    for run in sorted({_run_of(path) for path in directory.glob("*.jsonl")}):
        found.update(_said_in(directory, run))
    return {id: take for id, take in found.items() if take is not None}


def next_run(directory: Path) -> int:
    """Returns the number of a run that begins now."""
    return 1 + max((_run_of(path) for path in directory.glob("*.jsonl")), default=0)


def _said_in(directory: Path, run: int) -> Mapping[str, RowTake | None]:
    """Returns what one run says; where it replaced a take, the new one, whichever log has it."""
    said: dict[str, RowTake | None] = {}
    for path in sorted(directory.glob(f"{run:06}-*.jsonl")):
        for number, line in enumerate(path.read_bytes().splitlines(), start=1):
            where = f"{path}, line {number}"
            try:
                entry = record_from(JournalLine, parse_object(line, where), where)
            except RecordError:
                continue  # the process died while it wrote: the take is made again
            if entry.take is not None or entry.id not in said:
                said[entry.id] = entry.take
    return said


def _run_of(path: Path) -> int:
    number = path.name.split("-", 1)[0]
    if not number.isdecimal():
        raise RecordError(f"{path} is no journal of a set; move it out of the way.")
    return int(number)
