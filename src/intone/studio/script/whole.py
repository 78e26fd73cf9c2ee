"""The rows of a project as one sound: the same seams as a rendered script has, and its files.

`STEM.wav` and its record lie beside the takes of the rows and are replaced whenever rows change;
subtitles, pictures and other formats are made of them when they are asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import soundfile

from intone.audio.durable import atomic_write_text
from intone.audio.files import save
from intone.audio.loudness import normalise
from intone.audio.seams import Assembler, Placed
from intone.core.constants import SAMPLE_RATE_HZ
from intone.core.errors import RecordError
from intone.core.types import Samples
from intone.core.version import __version__
from intone.render.drawing import DrawPolicy
from intone.render.ear import Likeness
from intone.render.outputs import OutputFolder, record_time
from intone.render.plot import PlottedSegment
from intone.render.script_record import SCHEMA, ScriptRecord, SegmentRecord
from intone.render.sidecar import ModelRecord
from intone.render.subtitles import Span
from intone.studio.script.project import Project
from intone.studio.script.rows import Row, Take

MODE = "studio-script"
"""As records and names of files say it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlacedRow:
    """A row with its take, and where it stands in the whole."""

    row: Row
    take: Take
    start_s: float
    end_s: float
    gain_db: float

    @property
    def label(self) -> str:
        """Who, and in which mood."""
        plan = self.row.planned.plan
        name = plan.speaker or plan.identity or "voice"
        return name if plan.mood is None else f"{name} [{plan.mood}]"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Whole:
    """What was compiled."""

    stem: str
    rows: tuple[PlacedRow, ...]
    num_missing: int
    """Rows that have no take yet, and are left out."""
    samples: Samples
    """[S], at 24 kHz."""
    loudness: str | None = None
    """What was done to its loudness."""

    @property
    def duration_s(self) -> float:
        return len(self.samples) / SAMPLE_RATE_HZ

    @property
    def likeness(self) -> Likeness:
        return Likeness.of(one.take.similarity for one in self.rows)

    @property
    def spans(self) -> list[Span]:
        """What subtitles are made of."""
        return [Span(one.start_s, one.end_s, one.row.planned.plan.text) for one in self.rows]

    @property
    def plotted(self) -> list[PlottedSegment]:
        """What a picture says."""
        return [
            PlottedSegment(
                start_s=one.start_s,
                end_s=one.end_s,
                label=one.label,
                similarity=one.take.similarity,
            )
            for one in self.rows
        ]


def compiled(project: Project, folder: OutputFolder, loudness_lufs: float | None) -> Whole | None:
    """Returns the rows that have takes as one sound; None where no row has.

    Raises:
        RecordError: a take is gone from the disk, or damaged.
        InvalidSettingError: a loudness outside its range.
    """
    assembler, placed = Assembler(SAMPLE_RATE_HZ), list[PlacedRow]()
    parts: list[Samples] = []
    for row in project.rows:
        take = row.take
        if take is None:
            continue
        own = _placed(assembler, row, take_samples(folder, take), project.gap_before_s(row.id))
        parts.append(own.samples)
        placed.append(_placed_row(row, take, own))
    if project.stem is None or not placed:
        return None
    samples = np.concatenate([*parts, assembler.silence(project.end_silence_s)])
    gain = None
    if loudness_lufs is not None:
        samples, gain = normalise(samples, SAMPLE_RATE_HZ, loudness_lufs)
    return Whole(
        stem=project.stem,
        rows=tuple(placed),
        num_missing=len(project.rows) - len(placed),
        samples=samples,
        loudness=None if gain is None else str(gain),
    )


def take_samples(folder: OutputFolder, take: Take) -> Samples:
    """Returns a take [S] from the disk; raises RecordError where it is gone, or damaged."""
    path = folder.directory / f"{take.name}.wav"
    try:
        samples, _ = soundfile.read(path, dtype="float32")
    except (OSError, soundfile.SoundFileError) as error:
        raise RecordError(
            f"the take {path.name} is gone from the disk, or damaged; draw its row again."
        ) from error
    return np.asarray(samples, np.float32)


def write_whole(
    whole: Whole, project: Project, folder: OutputFolder, model: ModelRecord, ear: str | None
) -> None:
    """Writes the sound, the script's text and the record; raises OutputError."""
    stem = folder.directory / whole.stem
    save(stem.with_name(f"{whole.stem}.wav"), whole.samples, SAMPLE_RATE_HZ, "wav")
    atomic_write_text(stem.with_name(f"{whole.stem}.txt"), project.source)
    record = _record(whole, project, model, ear)
    atomic_write_text(stem.with_name(f"{whole.stem}.json"), record.json())


def _placed(assembler: Assembler, row: Row, samples: Samples, gap_s: float) -> Placed:
    plan = row.planned.plan
    return assembler.add(
        samples,
        gap_before_s=gap_s,
        cut_end_s=plan.cut_end_s,
        voice=f"{plan.identity}, {plan.mood}",  # a mood has a level of its own
    )


def _placed_row(row: Row, take: Take, placed: Placed) -> PlacedRow:
    return PlacedRow(
        row=row,
        take=take,
        start_s=placed.start_sample / SAMPLE_RATE_HZ,
        end_s=placed.end_sample / SAMPLE_RATE_HZ,
        gain_db=placed.gain_db,
    )


def _record(whole: Whole, project: Project, model: ModelRecord, ear: str | None) -> ScriptRecord:
    likeness = whole.likeness
    return ScriptRecord(
        schema=SCHEMA,
        intone_version=__version__,
        created_at=record_time(),
        mode=MODE,
        script=f"{whole.stem}.txt",
        audio_file=f"{whole.stem}.wav",
        seed=project.seed,
        model=model,
        ear=ear,
        min_similarity=DrawPolicy().min_similarity,
        lowest_similarity=likeness.lowest,
        mean_similarity=likeness.mean,
        duration_s=round(whole.duration_s, 3),
        segments=tuple(_segment(index, one) for index, one in enumerate(whole.rows)),
        notes=_notes(whole.rows),
    )


def _segment(index: int, placed: PlacedRow) -> SegmentRecord:
    plan, take = placed.row.planned.plan, placed.take
    return SegmentRecord(
        index=index,
        line=None if plan.position is None else plan.position.line,
        column=None if plan.position is None else plan.position.column,
        text=plan.text,
        spoken_text=plan.request.text,
        speaker=plan.speaker,
        identity=plan.identity,
        mood=plan.mood,
        route=plan.route,
        start_s=round(placed.start_s, 3),
        end_s=round(placed.end_s, 3),
        gain_db=round(placed.gain_db, 2),
        seed=take.seed,
        similarity=take.similarity,
        finish_reason=take.finish_reason,
        num_draws=take.num_draws,
        take=f"{take.name}.json",
        notes=take.notes,
    )


def _notes(rows: Sequence[PlacedRow]) -> tuple[str, ...]:
    plans = (one.row.planned.plan for one in rows)
    return tuple(dict.fromkeys(plan.note for plan in plans if plan.note is not None))
