"""What `segment` remembers of each recording, and the rows that come of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from intone.audio.durable import atomic_write_text

_RECORDS = "recordings"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipEntry:
    """One clip that was written."""

    audio: str
    """Relative to the output directory."""
    text: str
    """As heard; empty where nothing was, or nobody listened."""
    start_s: float
    """In the recording."""
    end_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentRecord:
    """One recording that was finished."""

    fingerprint: str
    """Of the recording and the settings."""
    source: str
    duration_s: float
    dropped_s: Mapping[str, float]
    clips: Sequence[ClipEntry]


def write_record(out: Path, name: str, record: SegmentRecord) -> None:
    """Writes the record of a recording, after all of its clips; raises OutputError."""
    text = json.dumps(asdict(record), ensure_ascii=False, indent=1)
    atomic_write_text(_record_path(out, name), f"{text}\n")


def read_record(out: Path, name: str, fingerprint: str) -> SegmentRecord | None:
    """Returns the record of a finished recording.

    None where there is none, it is of other settings, or one of its clips is gone.
    """
    try:
        data = json.loads(_record_path(out, name).read_text(encoding="utf-8"))
        record = _record(data)
    except (FileNotFoundError, json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError):
        return None
    if record.fingerprint != fingerprint:
        return None
    return record if all((out / clip.audio).is_file() for clip in record.clips) else None


def edited_texts(rows: Path, records: Iterable[SegmentRecord]) -> dict[str, str]:
    """Returns the texts of an earlier `rows.jsonl` that someone wrote or corrected, by clip.

    A text stays with its clip as long as the clip is cut from the same place.
    """
    if not rows.exists():
        return {}
    heard = {clip.audio: (record.source, clip) for record in records for clip in record.clips}
    edited: dict[str, str] = {}
    for line in rows.read_text(encoding="utf-8").split("\n"):
        row = _row(line)
        source, clip = heard.get(str(row.get("audio")), ("", None))
        is_same = clip is not None and _place(row) == (source, clip.start_s, clip.end_s)
        text = row.get("text")
        if clip is not None and is_same and isinstance(text, str) and text not in ("", clip.text):
            edited[clip.audio] = text
    return edited


def rows_text(
    records: Mapping[str, SegmentRecord], edited: Mapping[str, str], speaker: str, language: str
) -> str:
    """Returns the lines of `rows.jsonl`: the founding format, and where each clip comes from."""
    lines = [
        {
            "audio": clip.audio,
            "text": edited.get(clip.audio, clip.text),
            "speaker": speaker,
            "language": language,
            "source": record.source,
            "source_start_s": clip.start_s,
            "source_end_s": clip.end_s,
        }
        for record in records.values()
        for clip in record.clips
    ]
    return "".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines)


def replace_rows(rows: Path, text: str) -> None:
    """Writes `rows.jsonl`; an older one that differs stays beside it as `rows.previous.jsonl`.

    Raises:
        OutputError: the directory cannot be written.
    """
    older = rows.read_text(encoding="utf-8") if rows.exists() else text
    if older != text:
        atomic_write_text(rows.with_suffix(".previous.jsonl"), older)
    atomic_write_text(rows, text)


def _record_path(out: Path, name: str) -> Path:
    return out / _RECORDS / f"{name}.json"


def _record(data: Mapping[str, Any]) -> SegmentRecord:
    clips = [ClipEntry(**clip) for clip in data["clips"]]
    return SegmentRecord(**{**data, "clips": clips})


def _row(line: str) -> Mapping[str, Any]:
    try:
        row = json.loads(line)
    except json.JSONDecodeError:
        return {}
    return row if isinstance(row, dict) else {}


def _place(row: Mapping[str, Any]) -> tuple[object, ...]:
    return row.get("source"), row.get("source_start_s"), row.get("source_end_s")
