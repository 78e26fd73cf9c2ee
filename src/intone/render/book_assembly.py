"""Finished pieces become files: one pass over the disk, two where loudness is normalised.

Only one piece is in memory at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from intone.audio.durable import sync_file
from intone.audio.files import AudioFormat, create_writer
from intone.audio.loudness import Gain, LoudnessMeter
from intone.audio.seams import GAP_S, Assembler
from intone.core.constants import SAMPLE_RATE_HZ
from intone.core.errors import OutputError, RecordError
from intone.core.types import Samples
from intone.render.book_plan import BookPiece, ChapterPlan
from intone.render.book_store import BookStore, FinishedPiece
from intone.render.subtitles import Span

_WAV_MAX_SAMPLES = (2**32 - 1_024) // 2
"""The sizes in a WAV header have 32 bits: a day of audio at 24 kHz."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlacedPiece:
    """A finished piece and when it is heard in its file."""

    piece: BookPiece
    finished: FinishedPiece
    start_s: float
    end_s: float

    @property
    def span(self) -> Span:
        return Span(self.start_s, self.end_s, self.piece.plan.text)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AssembledFile:
    """One file of the book."""

    path: Path
    duration_s: float
    pieces: tuple[PlacedPiece, ...]
    gain: Gain | None
    """None: loudness was not asked for."""


def assemble(
    chapters: Sequence[ChapterPlan],
    store: BookStore,
    path: Path,
    format: AudioFormat,
    *,
    loudness_lufs: float | None = None,
) -> AssembledFile:
    """Writes chapters, all of whose pieces are finished, into one file.

    Raises:
        RecordError: a finished piece is gone from the disk, or damaged.
        OutputError: the file cannot be written, or is too long for its format.
        InvalidSettingError: a loudness outside its range.
    """
    pieces = [piece for chapter in chapters for piece in chapter.pieces]
    gain = None
    if loudness_lufs is not None:
        meter = LoudnessMeter(SAMPLE_RATE_HZ)
        for part in _parts(pieces, store):
            meter.feed(part.samples)
        gain = Gain.of(meter, loudness_lufs)
    placed: list[PlacedPiece] = []
    num_samples = 0
    with create_writer(path, SAMPLE_RATE_HZ, format) as writer:
        for part in _parts(pieces, store):
            num_samples += len(part.samples)
            _check_length(num_samples, path, format)
            writer.write(part.samples if gain is None else gain.apply(part.samples))
            if part.placed is not None:
                placed.append(part.placed)
    sync_file(path)
    return AssembledFile(
        path=path, duration_s=num_samples / SAMPLE_RATE_HZ, pieces=tuple(placed), gain=gain
    )


@dataclass(frozen=True, slots=True)
class _Part:
    samples: Samples
    placed: PlacedPiece | None
    """None: the silence at the end."""


def _parts(pieces: Sequence[BookPiece], store: BookStore) -> Iterator[_Part]:
    assembler = Assembler(SAMPLE_RATE_HZ)
    gap_s = 0.0
    for piece in pieces:
        finished = store.get(piece)
        if finished is None:
            raise RecordError(f"piece {piece.place} was not drawn; run the same command again.")
        placed = assembler.add(store.samples(finished), gap_before_s=gap_s)
        gap_s = GAP_S[piece.ending]
        start_s, end_s = (n / SAMPLE_RATE_HZ for n in (placed.start_sample, placed.end_sample))
        yield _Part(
            placed.samples,
            PlacedPiece(piece=piece, finished=finished, start_s=start_s, end_s=end_s),
        )
    yield _Part(assembler.silence(gap_s), None)


def _check_length(num_samples: int, path: Path, format: AudioFormat) -> None:
    if format == "wav" and num_samples > _WAV_MAX_SAMPLES:
        raise OutputError(
            f"{path} would be longer than a WAV file can be (24 h); use --format flac, or a file "
            "per chapter."
        )
