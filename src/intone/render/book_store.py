"""The finished pieces of a book on disk: what a run that was killed need not draw again.

    DIR/.segments/book.json       what the book is made of: text, voice, model, settings
    DIR/.segments/journal.jsonl   one line per finished piece, synced; the last one may be cut short
    DIR/.segments/0001-00000.flac its samples in 16 bits; there before its line is

One process at a time holds the folder.
"""

from __future__ import annotations

import hashlib
import io
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile

from intone.audio.durable import (
    append_line_synced,
    atomic_write_bytes,
    atomic_write_text,
    sync_file,
)
from intone.audio.files import save
from intone.audio.held import LOCK_FILE, held
from intone.audio.pcm import PCM16_SCALE
from intone.audio.writer import output_error
from intone.core.errors import RecordError
from intone.core.types import FinishReason, Samples
from intone.render.book_plan import BookPiece
from intone.render.book_record import BookRecord, read_book_record
from intone.render.drawing import DrawnSegment
from intone.render.hashes import pcm16_sha256
from intone.render.json_records import parse_object, record_from, to_json

FOLDER = ".segments"
_RECORD, _JOURNAL, _ANCHOR = "book.json", "journal.jsonl", "anchor.npy"


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedPiece:
    """One line of the journal."""

    chapter: int
    index: int
    key: str
    """`BookPiece.key` of what was drawn."""
    file: str
    sample_rate_hz: int
    num_samples: int
    pcm16_sha256: str
    seed: int
    """Of the take that was kept."""
    finish_reason: FinishReason
    num_draws: int
    num_leaked_frames: int
    similarity: float | None
    wall_s: float
    note: str | None

    @property
    def duration_s(self) -> float:
        return self.num_samples / self.sample_rate_hz


@dataclass(slots=True)
class BookStore:
    """The folder of one book, held by this process. Made by `open_store`."""

    directory: Path
    record: BookRecord
    """Of the run that began it."""
    _finished: dict[tuple[int, int], FinishedPiece] = field(default_factory=dict)

    def get(self, piece: BookPiece) -> FinishedPiece | None:
        """Returns the finished take of a piece, None where it is still to be drawn."""
        found = self._finished.get(piece.place)
        return found if found is not None and found.key == piece.key else None

    def put(self, piece: BookPiece, drawn: DrawnSegment) -> FinishedPiece:
        """Keeps a take; returns when it is on the disk. Raises OutputError."""
        audio = drawn.audio
        finished = FinishedPiece(
            chapter=piece.chapter,
            index=piece.plan.index,
            key=piece.key,
            file=f"{piece.chapter:04}-{piece.plan.index:05}.flac",
            sample_rate_hz=audio.sample_rate_hz,
            num_samples=len(audio.samples),
            pcm16_sha256=pcm16_sha256(audio.samples),
            seed=audio.seed,
            finish_reason=audio.finish_reason,
            num_draws=drawn.num_draws,
            num_leaked_frames=audio.num_leaked_frames,
            similarity=drawn.similarity,
            wall_s=audio.timing.wall_s,
            note=drawn.note,
        )
        path = save(self.directory / finished.file, audio.samples, audio.sample_rate_hz)
        sync_file(path)
        append_line_synced(self.directory / _JOURNAL, to_json(finished, indent=None))
        self._finished[piece.place] = finished
        return finished

    def samples(self, finished: FinishedPiece) -> Samples:
        """Returns a take [S]; raises RecordError where its file is gone or damaged."""
        path = self.directory / finished.file
        try:
            stored, _ = soundfile.read(path, dtype="int16")
        except (OSError, soundfile.SoundFileError) as error:
            raise _lost(path) from error
        if hashlib.sha256(stored.astype("<i2").tobytes()).hexdigest() != finished.pcm16_sha256:
            raise _lost(path)
        return np.asarray(stored / PCM16_SCALE, np.float32)

    def anchor(self) -> Samples | None:
        """Returns the x-vector [H] that takes are compared with; None before there was one."""
        try:
            data = (self.directory / _ANCHOR).read_bytes()
            return np.asarray(np.load(io.BytesIO(data), allow_pickle=False), np.float32)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise _lost(self.directory / _ANCHOR) from error

    def put_anchor(self, x_vector: Samples) -> None:
        """Keeps the x-vector [H], so that a later run compares with the same person."""
        data = io.BytesIO()
        np.save(data, x_vector.astype(np.float32), allow_pickle=False)
        atomic_write_bytes(self.directory / _ANCHOR, data.getvalue())

    def drop_unlisted(self) -> None:
        """Removes the take of a piece that was stopped between its file and its line.

        Raises:
            OutputError: the directory cannot be written any more.
        """
        listed = {finished.file for finished in self._listed()}
        for path in self.directory.glob("*.flac"):
            if path.name not in listed:
                try:
                    path.unlink()
                except OSError as error:
                    raise output_error(str(path), error) from error

    def read_journal(self) -> None:
        """Finds what is finished; a line that was cut short, or whose file is gone, is not."""
        for finished in self._listed():
            if (self.directory / finished.file).is_file():
                self._finished[finished.chapter, finished.index] = finished

    def _listed(self) -> Iterator[FinishedPiece]:
        path = self.directory / _JOURNAL
        if not path.exists():
            return
        for number, line in enumerate(path.read_bytes().splitlines(), start=1):
            try:
                data = parse_object(line, f"{path}, line {number}")
                finished = record_from(FinishedPiece, data, f"{path}, line {number}")
            except RecordError:
                continue  # the process died while it wrote: the take is drawn again
            yield finished


@contextmanager
def open_store(out: Path, record: BookRecord, *, restart: bool = False) -> Iterator[BookStore]:
    """Yields the store of the book in a directory: a new one, or the one that was left.

    Args:
        record: what the book is made of now.
        restart: throw away what is finished.

    Raises:
        RecordError: the store is of another text, voice, model or setting, or damaged.
        OutputError: the directory cannot be written, or another process holds it.
    """
    directory = out / FOLDER
    busy = f"another process is making a book in {out}; wait for it, or use another --out."
    with held(directory, busy=busy):
        if restart:
            _clear(directory)
        kept = read_book_record(directory / _RECORD)
        if kept is None:
            atomic_write_text(directory / _RECORD, to_json(record) + "\n")
        else:
            kept.check_same(record, out)
        store = BookStore(directory, kept or record)
        store.read_journal()
        try:
            yield store
        finally:
            store.drop_unlisted()


def kept_record(out: Path) -> BookRecord | None:
    """Returns what the book in a directory is made of; None where none was begun."""
    return read_book_record(out / FOLDER / _RECORD)


def _clear(directory: Path) -> None:
    for path in directory.iterdir():
        if path.name == LOCK_FILE:
            continue
        try:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        except OSError as error:
            raise output_error(str(path), error) from error


def _lost(path: Path) -> RecordError:
    return RecordError(
        f"{path} is gone or damaged; remove it, and the same command draws this piece again."
    )
