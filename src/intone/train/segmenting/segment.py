"""Long recordings into clips of a sentence or so, with rows that `check` reads.

Each recording is finished by itself: its clips, then a record of them. A second run does the
recordings that are new, changed, or were asked for with other settings, and keeps the words that
someone corrected in `rows.jsonl`.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from intone.audio.files import save
from intone.audio.silence import trim_silence
from intone.core.constants import SAMPLE_RATE_HZ
from intone.core.errors import DatasetError
from intone.train.hearing.recognise import Recogniser
from intone.train.progress import OnProgress, StageProgress, silent
from intone.train.rows import DEFAULT_SPEAKER, ROWS_FILE
from intone.train.segmenting.cutting import CutPlan, CutSettings, Piece, Span, plan_cuts
from intone.train.segmenting.recordings import Recording, find_recordings
from intone.train.segmenting.segment_record import (
    ClipEntry,
    SegmentRecord,
    edited_texts,
    read_record,
    replace_rows,
    rows_text,
    write_record,
)
from intone.train.segmenting.voice_activity import Detector, VoiceActivity

CLIPS = "clips"


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentSettings:
    """What to cut, and how."""

    recordings: Path
    """A file, or a folder of any depth."""
    out: Path
    cut: CutSettings = CutSettings()
    detector: Detector = "level"
    recogniser: str | None = None
    """Its name, so that another one hears everything again; None leaves the texts empty."""
    speaker: str = DEFAULT_SPEAKER
    language: str = "auto"

    def __post_init__(self) -> None:
        out = Path(os.path.abspath(self.out))
        if self.recordings.is_dir() and out.is_relative_to(os.path.abspath(self.recordings)):
            raise DatasetError(
                f"{self.out} lies in {self.recordings}, whose clips would be cut again the next "
                "time; give another directory with --out."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentSummary:
    """What became of every second; recorded = kept + the sum of `dropped_s`."""

    recordings: int
    done_now: int
    clips: int
    recorded_s: float
    kept_s: float
    dropped_s: Mapping[str, float]
    """Seconds by reason: silence, too_short, no_pause."""
    without_words: int
    """Clips in which nothing was heard, or for which nobody listened."""
    edited: int
    """Texts that differ from what was heard, and stayed."""
    failed: Mapping[str, str]
    """Recordings that could not be read, and why."""


def segment(
    settings: SegmentSettings,
    activity: VoiceActivity,
    recogniser: Recogniser | None,
    on_progress: OnProgress = silent,
) -> SegmentSummary:
    """Writes clips and `rows.jsonl`, and returns the sums.

    A recording that cannot be read is named in the sums and does not stop the others; `enforce`
    makes an error of it.

    Raises:
        DatasetError: there are no recordings.
        OutputError: the directory cannot be written.
    """
    root, paths = find_recordings(settings.recordings)
    records: dict[str, SegmentRecord] = {}
    failed: dict[str, str] = {}
    started, num_made = time.monotonic(), 0
    for number, path in enumerate(paths, 1):
        name = path.relative_to(root).as_posix()
        try:
            known = read_record(settings.out, name, _fingerprint(path, settings))
            num_made += known is None
            records[name] = known or _made(path, name, settings, activity, recogniser)
        except DatasetError as error:
            failed[name] = str(error)
        on_progress(
            StageProgress(
                done=number,
                total=len(paths),
                unit="recordings",
                elapsed_s=time.monotonic() - started,
                skipped=number - num_made,
                note=name,
            )
        )
    rows = settings.out / ROWS_FILE
    edited = edited_texts(rows, records.values())
    replace_rows(rows, rows_text(records, edited, settings.speaker, settings.language))
    return _summary(records, num_made, edited, failed)


def enforce(summary: SegmentSummary) -> None:
    """Raises DatasetError where recordings could not be read, or no clip came of any."""
    if summary.failed:
        reasons = " ".join(summary.failed.values())
        raise DatasetError(
            f"{len(summary.failed)} of {summary.recordings} recordings could not be read; the "
            f"others are done. {reasons} Repair or remove them and run again."
        )
    if not summary.clips:
        raise DatasetError(
            f"no clip came of {summary.recordings} recordings ({summary.recorded_s:.0f} s); "
            "listen to one, and try other --min-seconds, --max-seconds, --pause, or --vad silero."
        )


def _fingerprint(path: Path, settings: SegmentSettings) -> str:
    """Returns what the clips of a recording depend on."""
    found = path.stat()
    told = (
        found.st_size,
        found.st_mtime_ns,
        repr(settings.cut),
        settings.detector,
        settings.recogniser,
        settings.language if settings.recogniser else None,
    )
    return json.dumps(told)


def _made(
    path: Path,
    name: str,
    settings: SegmentSettings,
    activity: VoiceActivity,
    recogniser: Recogniser | None,
) -> SegmentRecord:
    folder = settings.out / CLIPS / name
    with Recording(path) as recording:
        speech = activity.spans(recording.blocks(), recording.rate_hz)
        plan = plan_cuts(speech, recording.duration_s, settings.cut)
        shutil.rmtree(folder, ignore_errors=True)  # of a run that was stopped, or another setting
        folder.mkdir(parents=True, exist_ok=True)
        clips = [
            _written(recording, piece, folder / f"{number:04}.flac", settings, recogniser)
            for number, piece in enumerate(plan.pieces, 1)
        ]
        record = SegmentRecord(
            fingerprint=_fingerprint(path, settings),
            source=str(path),
            duration_s=recording.duration_s,
            dropped_s=_dropped_s(plan, clips, recording.duration_s),
            clips=clips,
        )
    write_record(settings.out, name, record)
    return record


def _written(
    recording: Recording,
    piece: Piece,
    path: Path,
    settings: SegmentSettings,
    recogniser: Recogniser | None,
) -> ClipEntry:
    """Writes one clip; what the detector left of silence at its ends is trimmed."""
    samples = recording.piece(piece.clip)
    cut = settings.cut
    start, end = trim_silence(samples, SAMPLE_RATE_HZ, lead_s=cut.lead_s, tail_s=cut.tail_s)
    samples = np.ascontiguousarray(samples[start:end])
    save(path, samples, SAMPLE_RATE_HZ)
    text = ""
    if recogniser is not None:
        text = recogniser.hear(samples, SAMPLE_RATE_HZ, settings.language)
    first_s = piece.clip.start_s + start / SAMPLE_RATE_HZ
    return ClipEntry(
        audio=path.relative_to(settings.out).as_posix(),
        text=text,
        start_s=round(first_s, 4),
        end_s=round(first_s + len(samples) / SAMPLE_RATE_HZ, 4),
    )


def _dropped_s(plan: CutPlan, clips: Sequence[ClipEntry], duration_s: float) -> dict[str, float]:
    """Returns seconds by reason; with those of the clips they are the recording's."""
    dropped: dict[str, float] = {}
    for span, reason in plan.dropped:
        dropped[reason] = dropped.get(reason, 0.0) + span.duration_s
    kept_s = sum(Span(clip.start_s, clip.end_s).duration_s for clip in clips)
    return {"silence": duration_s - kept_s - sum(dropped.values()), **dropped}


def _summary(
    records: Mapping[str, SegmentRecord],
    num_made: int,
    edited: Mapping[str, str],
    failed: Mapping[str, str],
) -> SegmentSummary:
    clips = list(_clips(records))
    dropped: dict[str, float] = {}
    for record in records.values():
        for reason, seconds in record.dropped_s.items():
            dropped[reason] = dropped.get(reason, 0.0) + seconds
    return SegmentSummary(
        recordings=len(records) + len(failed),
        done_now=num_made - len(failed),
        clips=len(clips),
        recorded_s=sum(record.duration_s for record in records.values()),
        kept_s=sum(clip.end_s - clip.start_s for clip in clips),
        dropped_s=dropped,
        without_words=sum(not edited.get(clip.audio, clip.text) for clip in clips),
        edited=len(edited),
        failed=failed,
    )


def _clips(records: Mapping[str, SegmentRecord]) -> Iterator[ClipEntry]:
    for record in records.values():
        yield from record.clips
