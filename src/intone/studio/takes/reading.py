"""What a take's record says, as a page shows it; whatever is damaged is told in its own row."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from intone.core.errors import RecordError
from intone.render.json_records import parse_object, record_from
from intone.render.script_record import ScriptRecord
from intone.render.sidecar import MAX_RECORD_BYTES, TakeRecord, VoiceRecord
from intone.studio.takes.index import TakeFiles

MAX_JSON_CHARACTERS = 20_000
"""As much of a record is shown on the page; all of it is a download away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeView:
    """A take as a row."""

    files: TakeFiles
    text: str
    voice: str
    facts: tuple[str, ...]
    """Length, model, language, seed: each a few words."""
    audio: str | None
    """Name of the file with the sound."""
    problem: str | None = None
    """What cannot be read, or what the take cannot do."""
    notes: tuple[str, ...] = ()
    can_redo: bool = False
    voice_name: str | None = None
    """As a request names it; None where it has none."""
    instruct: str | None = None
    language: str = "auto"
    segments: tuple[TakeView, ...] = ()
    """Of a script."""


@dataclass(frozen=True, slots=True)
class TakeWords:
    """What filters look at, of a take and its segments."""

    voices: tuple[str, ...]
    text: str
    """Case folded."""


def read_view(directory: Path, files: TakeFiles) -> TakeView:
    """Returns a take as a row; raises nothing: what cannot be read is its `problem`."""
    segments = tuple(read_view(directory, one) for one in files.segments)
    try:
        if files.record is None:
            return _without_record(files, segments)
        data = parse_object(_record_bytes(directory / files.record), files.record)
        if "segments" in data:
            return _script(files, record_from(ScriptRecord, data, files.record), segments)
        return _take(files, TakeRecord.parse(json.dumps(data), files.record))
    except RecordError as error:
        return TakeView(
            files=files,
            text="",
            voice="",
            facts=(),
            audio=files.audio,
            problem=f"{error} The sound may be whole.",
            segments=segments,
        )


def read_words(directory: Path, files: TakeFiles) -> TakeWords:
    """Returns what filters look at; of a damaged record nothing."""
    voices, texts = list[str](), list[str]()
    for part in (files, *files.segments):
        if part.record is None:
            continue
        try:
            data = parse_object(_record_bytes(directory / part.record), part.record)
        except RecordError:
            continue
        texts += _words(data, "text", "script")
        voice = data.get("voice")
        if isinstance(voice, dict):
            voices += _words(voice, "name")
    return TakeWords(tuple(voices), "\n".join(texts).casefold())


def pretty_json(directory: Path, files: TakeFiles) -> str:
    """Returns a take's record for reading, cut where it is long; "" where there is none."""
    if files.record is None:
        return ""
    try:
        text = _record_bytes(directory / files.record).decode("utf-8", "replace")
        text = json.dumps(json.loads(text), ensure_ascii=False, indent=2)
    except RecordError as error:
        return str(error)
    except (ValueError, RecursionError):
        pass  # no JSON: shown as it lies there
    if len(text) <= MAX_JSON_CHARACTERS:
        return text
    left_out = len(text) - MAX_JSON_CHARACTERS
    return f"{text[:MAX_JSON_CHARACTERS]}\n… {left_out:,} characters more in {files.record}"


def voice_words(voice: VoiceRecord) -> str:
    """Returns who spoke, in words."""
    if voice.kind == "default":
        return "the model's own voice"
    if voice.kind == "clip":
        return f"cloned from {Path(voice.clip or 'a clip').name}"
    if voice.kind == "given":
        return "a voice that was not kept"
    return voice.name or "" if voice.mood is None else f"{voice.name} ({voice.mood})"


def length_words(duration_s: float) -> str:
    """Returns "4.2 s" or "3 min 20 s"."""
    if not math.isfinite(duration_s) or duration_s < 60:
        return f"{duration_s:.1f} s"
    minutes, seconds = divmod(round(duration_s), 60)
    return f"{minutes} min {seconds} s"


def _model_words(name: str) -> str:
    """Returns a model's name; of one that was given as a directory, the last part is enough."""
    path = Path(name)
    return path.name if path.is_absolute() else name


def _take(files: TakeFiles, record: TakeRecord) -> TakeView:
    request, result = record.request, record.result
    if result.sample_rate_hz < 1:
        raise RecordError(f"{files.record} says {result.sample_rate_hz} samples a second.")
    facts = [
        length_words(result.duration_s),
        _model_words(record.model.name),
        *([] if request.language == "auto" else [request.language.capitalize()]),
        f"seed {request.seed}",
    ]
    if record.mood:
        facts.insert(0, f"[{record.mood}]")
    if result.similarity is not None:
        facts.append(f"similarity {result.similarity:.2f}")
    if result.finish_reason != "stop":
        facts.append(_ENDS[result.finish_reason])
    can_redo = record.voice.can_be_made_again
    return TakeView(
        files=files,
        text=record.text,
        voice=voice_words(record.voice),
        facts=tuple(facts),
        audio=files.audio,
        problem=None if files.audio else _NO_SOUND if can_redo else _LOST,
        notes=record.notes,
        can_redo=can_redo,
        voice_name=record.voice.name,
        instruct=request.instruct,
        language=request.language,
    )


def _script(files: TakeFiles, record: ScriptRecord, segments: tuple[TakeView, ...]) -> TakeView:
    facts = [
        length_words(record.duration_s),
        f"{len(record.segments)} segments",
        _model_words(record.model.name),
        f"seed {record.seed}",
    ]
    if record.lowest_similarity is not None:
        facts.append(f"lowest similarity {record.lowest_similarity:.2f}")
    return TakeView(
        files=files,
        text=" ".join(segment.text for segment in record.segments),
        voice=_names(segment.identity for segment in record.segments if segment.identity),
        facts=tuple(facts),
        audio=files.audio,
        problem=None if files.audio else "its sound is gone; its segments may still be here.",
        notes=record.notes,
        segments=segments,
    )


def _without_record(files: TakeFiles, segments: tuple[TakeView, ...]) -> TakeView:
    if segments:
        return TakeView(
            files=files,
            text=" ".join(segment.text for segment in segments),
            voice=_names(segment.voice for segment in segments),
            facts=(f"{len(segments)} segments",),
            audio=files.audio,
            problem="the script was not finished; its segments are kept.",
            segments=segments,
        )
    return TakeView(
        files=files,
        text="",
        voice="",
        facts=(),
        audio=files.audio,
        problem="its record (.json) is gone: nobody knows how it was made.",
    )


def _record_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_RECORD_BYTES + 1)
    except OSError as error:
        raise RecordError(f"cannot read {path.name}: {error.strerror}.") from error
    if len(data) > MAX_RECORD_BYTES:
        raise RecordError(f"{path.name} is larger than any record; it is foreign.")
    return data


def _words(data: dict[str, object], *names: str) -> list[str]:
    return [value for name in names if isinstance(value := data.get(name), str)]


def _names(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(names))


_ENDS = {
    "length": "cut at its longest",
    "guard": "cut where it had missed its end",
    "cancelled": "stopped before its end",
}
_NO_SOUND = "its sound is gone; draw it again."
_LOST = "its sound is gone, and its voice was not kept, so it cannot be drawn again."
