"""A voice beside its recording: one sentence in it, and how alike an ear finds the two."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path

from intone.audio.reference import ReferenceClip
from intone.core.constants import SAMPLE_RATE_HZ
from intone.core.types import Audio, FinishReason, Samples, SpeechRequest, SpeechTiming
from intone.render.drawing import MIN_SIMILARITY
from intone.render.ear import Ear, heard_person, similarity
from intone.render.recording import take_record, voice_record
from intone.studio.desk import Desk
from intone.studio.parts.aside import aside
from intone.studio.parts.voice_samples import draw

MODE = "studio-clone"
_SURE, _FAR = 0.85, 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A take in the new voice, and what an ear says of it."""

    take: Path
    seed: int
    similarity: float | None
    """None where nothing could hear who speaks."""
    note: str | None = None
    """Why it is None."""


async def compare(desk: Desk, key_id: str, name: str, text: str, clip: ReferenceClip) -> Comparison:
    """Says a text in a kept voice, keeps the take, and compares it with a recording.

    Raises:
        IntoneError: it cannot be said or kept.
    """
    model = desk.models.for_voice(name)
    request = SpeechRequest(text=text, voice=name)
    audio = await draw(desk, key_id, model, request)
    ear = desk.models.ear(key_id, model)
    likeness: float | None = None
    note: str | None = "no model here can hear who speaks; 0.6b-base can, pull it under System"
    if ear is not None:
        likeness, note = await aside(lambda: measured(ear, audio, clip))
    take = await asyncio.to_thread(_keep, desk, key_id, model, request, audio, likeness)
    return Comparison(take=take, seed=audio.seed, similarity=likeness, note=note)


def measured(ear: Ear, audio: Audio, clip: ReferenceClip) -> tuple[float | None, str | None]:
    """Returns the cosine of a take with a recording, or why there is none. For a thread."""
    person, note = heard_person(ear, _as_audio(clip.samples))
    heard, other_note = heard_person(ear, audio)
    if person is None or heard is None:
        return None, note or other_note
    return similarity(person, heard), None


def likeness_words(likeness: float) -> str:
    """Returns what a cosine means, with the number."""
    told = (
        "the same person to this ear"
        if likeness >= _SURE
        else "the same person to this ear, though not quite like the recording"
        if likeness >= MIN_SIMILARITY
        else "near, but this ear would not call it the same person"
        if likeness >= _FAR
        else "another person to this ear"
    )
    return f"{likeness:.2f}: {told}"


def _as_audio(samples: Samples) -> Audio:
    timing = SpeechTiming(ttfa_s=0.0, wall_s=0.0, audio_s=len(samples) / SAMPLE_RATE_HZ)
    finish: FinishReason = "stop"
    return Audio(
        samples=samples,
        sample_rate_hz=SAMPLE_RATE_HZ,
        finish_reason=finish,
        seed=0,
        timing=timing,
    )


def _keep(
    desk: Desk,
    key_id: str,
    model: str,
    request: SpeechRequest,
    audio: Audio,
    likeness: float | None,
) -> Path:
    record = take_record(
        mode=MODE,
        text=request.text,
        request=request,
        audio=audio,
        is_streamed=True,
        voice=voice_record(request.voice, (), desk.library),
        model=desk.models.record(model),
    )
    compared = replace(record, result=replace(record.result, similarity=likeness))
    return desk.takes(key_id).save(audio.samples, audio.sample_rate_hz, compared).audio
