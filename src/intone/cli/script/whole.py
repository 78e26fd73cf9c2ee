"""The files of a whole script: sound, subtitles, picture, record."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from intone.audio.durable import atomic_write_text
from intone.audio.files import STDOUT, AudioFormat, save
from intone.audio.loudness import check_target, normalise
from intone.cli.script.session import Session
from intone.cli.telling import tell
from intone.core.constants import SAMPLE_RATE_HZ
from intone.core.errors import InvalidSettingError
from intone.core.types import Samples
from intone.core.version import __version__
from intone.render.outputs import OutputFolder, record_time
from intone.render.plot import save_picture
from intone.render.script import RenderedSegment
from intone.render.script_record import (
    SCHEMA,
    ScriptRecord,
    likeness_of,
    plotted,
    segment_record,
    spans,
)
from intone.render.sidecar import ModelRecord
from intone.render.subtitles import SubtitleFormat, subtitles

MODE = "script"
"""As records and names of files say it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Whole:
    """A script that was spoken to its end."""

    session: Session
    segments: tuple[RenderedSegment, ...]
    takes: tuple[str | None, ...]
    """Names of the segments' records."""
    ear: str | None
    min_similarity: float
    model: ModelRecord

    @property
    def samples(self) -> Samples:
        """All of it, [S], joined anew with every look."""
        return np.concatenate([part.placed.samples for part in self.segments])

    @property
    def duration_s(self) -> float:
        return sum(len(part.placed.samples) for part in self.segments) / SAMPLE_RATE_HZ


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeFiles:
    """Where a whole script goes."""

    script: Path
    folder: OutputFolder | None
    """Keeps segments, records, and the whole where `out` is None."""
    out: Path | None
    format: AudioFormat | None
    subtitles: tuple[SubtitleFormat, ...]
    picture: Path | None
    loudness_lufs: float | None

    @classmethod
    def of(cls, args: argparse.Namespace) -> WholeFiles:
        """Returns what the options mean.

        Raises:
            InvalidSettingError: they contradict each other, or a value is outside its range.
        """
        if args.out == STDOUT:
            raise InvalidSettingError("a script goes to a file; give --out FILE, or --play.")
        if args.no_save and args.out is None and not args.play:
            raise InvalidSettingError("--no-save keeps nothing; give --out FILE or --play as well.")
        formats: tuple[SubtitleFormat, ...] = ("srt", "vtt")
        if args.loudness is not None:
            check_target(args.loudness)
        return cls(
            script=Path(args.file),
            folder=None if args.no_save else OutputFolder(Path(args.save_dir)),
            out=None if args.out is None else Path(args.out),
            format=args.format,
            subtitles=tuple(form for form in formats if vars(args)[form]),
            picture=None if args.plot is None else Path(args.plot),
            loudness_lufs=args.loudness,
        )

    @contextmanager
    def claimed(self) -> Iterator[str]:
        """Yields the name that all files of this script begin with."""
        if self.folder is None:
            yield self.script.stem
            return
        with self.folder.claimed(MODE) as stem:
            yield stem

    def write(self, stem: str, whole: Whole) -> list[Path]:
        """Writes what was asked for and returns the paths, the sound first.

        Raises:
            OutputError: the system refused; the files before it stay.
        """
        samples = self._levelled(whole.samples)
        sound = self._sound(stem)
        written = [] if sound is None else [save(sound, samples, SAMPLE_RATE_HZ, self.format)]
        beside = self.script.with_suffix("") if sound is None else sound.with_suffix("")
        for form in self.subtitles:
            text = "".join(subtitles(spans(whole.segments), form))
            atomic_write_text(Path(f"{beside}.{form}"), text)
            written.append(Path(f"{beside}.{form}"))
        if self.picture is not None:
            picture = save_picture(self.picture, samples, SAMPLE_RATE_HZ, plotted(whole.segments))
            written.append(picture)
        if self.folder is not None and sound is not None:
            path = self.folder.directory / f"{stem}.json"
            atomic_write_text(path, self._record(whole, sound).json())
            written.append(path)
        return written

    def _levelled(self, samples: Samples) -> Samples:
        if self.loudness_lufs is None:
            return samples
        levelled, gain = normalise(samples, SAMPLE_RATE_HZ, self.loudness_lufs)
        tell(f"loudness: {gain}")
        return levelled

    def _sound(self, stem: str) -> Path | None:
        if self.out is not None:
            return self.out
        if self.folder is None:
            return None
        return self.folder.directory / f"{stem}.{self.format or 'wav'}"

    def _record(self, whole: Whole, sound: Path) -> ScriptRecord:
        plan, likeness = whole.session.plan, likeness_of(whole.segments)
        return ScriptRecord(
            schema=SCHEMA,
            intone_version=__version__,
            created_at=record_time(),
            mode=MODE,
            script=self.script.name,
            audio_file=sound.name,
            seed=plan.seed,
            model=whole.model,
            ear=whole.ear,
            min_similarity=whole.min_similarity,
            lowest_similarity=likeness.lowest,
            mean_similarity=likeness.mean,
            duration_s=round(whole.duration_s, 3),
            segments=tuple(
                segment_record(part, take)
                for part, take in zip(whole.segments, whole.takes, strict=True)
            ),
            notes=plan.notes,
        )
