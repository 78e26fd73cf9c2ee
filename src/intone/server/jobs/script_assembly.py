"""The finished segments of a script become one file, in the places that its plan gives them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from intone.audio.durable import sync_file
from intone.audio.files import AudioFormat, create_writer
from intone.audio.loudness import Gain, LoudnessMeter
from intone.audio.seams import Assembler
from intone.core.constants import SAMPLE_RATE_HZ
from intone.core.errors import RecordError
from intone.core.types import Samples
from intone.render.book_assembly import AssembledFile, PlacedPiece
from intone.render.book_plan import BookPiece
from intone.render.book_store import BookStore
from intone.render.plan import ScriptPlan


@dataclass(frozen=True, slots=True)
class _Part:
    samples: Samples
    placed: PlacedPiece | None
    """None: the silence at the end."""


def assemble_script(
    plan: ScriptPlan,
    pieces: tuple[BookPiece, ...],
    store: BookStore,
    path: Path,
    format: AudioFormat,
    *,
    loudness_lufs: float | None = None,
) -> AssembledFile:
    """Writes a script, all of whose segments are finished, into one file.

    Args:
        pieces: the plan's segments, as the store knows them.

    Raises:
        RecordError: a finished segment is gone from the disk, or damaged.
        OutputError: the file cannot be written.
    """
    gain = None
    if loudness_lufs is not None:
        meter = LoudnessMeter(SAMPLE_RATE_HZ)
        for part in _parts(plan, pieces, store):
            meter.feed(part.samples)
        gain = Gain.of(meter, loudness_lufs)
    placed: list[PlacedPiece] = []
    num_samples = 0
    with create_writer(path, SAMPLE_RATE_HZ, format) as writer:
        for part in _parts(plan, pieces, store):
            num_samples += len(part.samples)
            writer.write(part.samples if gain is None else gain.apply(part.samples))
            if part.placed is not None:
                placed.append(part.placed)
    sync_file(path)
    return AssembledFile(
        path=path, duration_s=num_samples / SAMPLE_RATE_HZ, pieces=tuple(placed), gain=gain
    )


def _parts(plan: ScriptPlan, pieces: tuple[BookPiece, ...], store: BookStore) -> Iterator[_Part]:
    assembler = Assembler(SAMPLE_RATE_HZ)
    for segment, piece in zip(plan.segments, pieces, strict=True):
        finished = store.get(piece)
        if finished is None:
            raise RecordError(f"segment {segment.index + 1} was not drawn; send the job again.")
        placed = assembler.add(
            store.samples(finished),
            gap_before_s=segment.gap_before_s,
            cut_end_s=segment.cut_end_s,
            voice=f"{segment.identity}, {segment.mood}",  # a mood has a level of its own
        )
        start_s, end_s = (n / SAMPLE_RATE_HZ for n in (placed.start_sample, placed.end_sample))
        yield _Part(
            placed.samples,
            PlacedPiece(piece=piece, finished=finished, start_s=start_s, end_s=end_s),
        )
    yield _Part(assembler.silence(plan.end_silence_s), None)
