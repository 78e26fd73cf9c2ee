"""What was said is kept: one take as `intone say` keeps it, several as a script does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from intone.audio.durable import atomic_write_text
from intone.audio.files import save
from intone.core.constants import SAMPLE_RATE_HZ
from intone.core.types import Audio, Samples
from intone.core.version import __version__
from intone.render.outputs import KeptTake, OutputFolder, record_time
from intone.render.recording import KeptVoices, take_record
from intone.render.script_record import SCHEMA, ScriptRecord, SegmentRecord
from intone.render.sidecar import ModelRecord, TakeRecord
from intone.studio.parts.keeping import voice_record_of
from intone.studio.sound.plan import PlannedTake, SoundPlan
from intone.studio.sound.state import KeptSpeech


@dataclass(frozen=True, slots=True)
class DrawnTake:
    """A take, and where it begins in the whole."""

    plan: PlannedTake
    audio: Audio
    start_s: float
    end_s: float


def keep_speech(
    folder: OutputFolder,
    plan: SoundPlan,
    drawn: Sequence[DrawnTake],
    whole: Samples,
    model: ModelRecord,
    library: KeptVoices,
) -> KeptSpeech:
    """Writes what was said and returns where it lies. For a thread: it waits for the disk.

    One take is kept with its record. Of several, the whole is kept as it was heard, with every
    take and its record beside it: each can be drawn again by itself.

    Args:
        whole: what was heard, samples [S].

    Raises:
        OutputError: the folder cannot be written.
        UnknownVoiceError: the voice was removed meanwhile.
    """
    records = [_record(plan, one, model, library) for one in drawn]
    is_untouched = len(drawn) == 1 and not (plan.lead_silence_s or plan.end_silence_s)
    if is_untouched:
        audio = drawn[0].audio
        kept = folder.save(audio.samples, audio.sample_rate_hz, records[0])
        return _kept(plan, kept, len(audio.samples), 1)
    with folder.claimed(plan.mode) as stem:
        names = [
            folder.write(f"{stem}.{number:03}", one.audio.samples, SAMPLE_RATE_HZ, record)
            for number, (one, record) in enumerate(zip(drawn, records, strict=True), 1)
        ]
        atomic_write_text(folder.directory / f"{stem}.txt", plan.text)
        audio_path = save(folder.directory / f"{stem}.wav", whole, SAMPLE_RATE_HZ)
        record = _whole_record(stem, plan, drawn, names, model, len(whole) / SAMPLE_RATE_HZ)
        record_path = folder.directory / f"{stem}.json"
        atomic_write_text(record_path, record.json())
    return _kept(plan, KeptTake(audio_path, record_path), len(whole), len(drawn))


def _record(
    plan: SoundPlan, drawn: DrawnTake, model: ModelRecord, library: KeptVoices
) -> TakeRecord:
    request = drawn.plan.request
    return take_record(
        mode=plan.mode,
        text=drawn.plan.written,
        request=request,
        audio=drawn.audio,
        is_streamed=True,
        voice=voice_record_of(request.voice, library, plan.can),
        model=model,
    )


def _kept(plan: SoundPlan, kept: KeptTake, num_samples: int, num_takes: int) -> KeptSpeech:
    return KeptSpeech(
        audio=kept.audio,
        record=kept.record,
        duration_s=num_samples / SAMPLE_RATE_HZ,
        seed=plan.seed,
        num_takes=num_takes,
    )


def _whole_record(
    stem: str,
    plan: SoundPlan,
    drawn: Sequence[DrawnTake],
    names: Sequence[KeptTake],
    model: ModelRecord,
    duration_s: float,
) -> ScriptRecord:
    pairs = enumerate(zip(drawn, names, strict=True))
    return ScriptRecord(
        schema=SCHEMA,
        intone_version=__version__,
        created_at=record_time(),
        mode=plan.mode,
        script=f"{stem}.txt",
        audio_file=f"{stem}.wav",
        seed=plan.seed,
        model=model,
        ear=None,
        min_similarity=0.0,
        lowest_similarity=None,
        mean_similarity=None,
        duration_s=round(duration_s, 3),
        segments=tuple(_segment(index, one, kept.record.name) for index, (one, kept) in pairs),
        notes=plan.remarks,
    )


def _segment(index: int, drawn: DrawnTake, record_name: str) -> SegmentRecord:
    request, audio = drawn.plan.request, drawn.audio
    return SegmentRecord(
        index=index,
        line=None,
        column=None,
        text=drawn.plan.written,
        spoken_text=request.text,
        speaker=None,
        identity=request.voice if isinstance(request.voice, str) else None,
        mood=None,
        route="plain",
        start_s=round(drawn.start_s, 3),
        end_s=round(drawn.end_s, 3),
        gain_db=0.0,
        seed=audio.seed,
        similarity=None,
        finish_reason=audio.finish_reason,
        num_draws=audio.num_draws,
        take=record_name,
        notes=(),
    )
