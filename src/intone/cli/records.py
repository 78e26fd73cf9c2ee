"""What a record says of the model and the voice that spoke, and the voice that a record means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from intone import __version__
from intone.cli.clip import Clip
from intone.cli.models_here import lasting_name
from intone.core.errors import RecordError
from intone.core.types import Audio, SpeechRequest, VoiceClonePrompt
from intone.prompt.spec import preset_key
from intone.render.hashes import file_sha256, prompt_sha256
from intone.render.identity import Identity
from intone.render.outputs import record_time
from intone.render.plan import SegmentPlan
from intone.render.sidecar import (
    SCHEMA,
    ModelRecord,
    RequestRecord,
    TakeRecord,
    VoiceRecord,
    result_of,
)
from intone.voices.library import VoiceLibrary

if TYPE_CHECKING:
    from intone.tts import TTS


def take_record(
    *,
    mode: str,
    text: str,
    request: SpeechRequest,
    audio: Audio,
    is_streamed: bool,
    voice: VoiceRecord,
    model: ModelRecord,
) -> TakeRecord:
    """Returns the record of one take that was drawn just now.

    Args:
        text: as it was written; the request has it as it was spoken.
    """
    return TakeRecord(
        schema=SCHEMA,
        intone_version=__version__,
        created_at=record_time(),
        mode=mode,
        audio_file=None,
        text=text,
        request=RequestRecord.of(request, audio.seed),
        is_streamed=is_streamed,
        voice=voice,
        model=model,
        result=result_of(audio),
    )


def model_record(tts: TTS, model: str | None) -> ModelRecord:
    """Returns which weights speak and how; loads the model, if nobody did yet.

    Args:
        model: as it was asked for; None is the built-in voice.
    """
    from intone.models.identity import checkpoint_fingerprint

    plan = tts.load().plan
    config = plan.description.config
    return ModelRecord(
        name=lasting_name(model),
        kind=config.kind,
        size=config.size,
        fingerprint=checkpoint_fingerprint(plan.description.directory),
        device=plan.device,
        dtype=plan.dtype,
        threads=plan.threads,
    )


def voice_record(
    voice: str | VoiceClonePrompt | None,
    tts: TTS,
    environ: Mapping[str, str],
    clip: Clip | None = None,
) -> VoiceRecord:
    """Returns who speaks.

    Args:
        voice: as the request has it.
        clip: where a voice clone prompt came from.
    """
    if voice is None:
        return VoiceRecord(kind="default")
    if isinstance(voice, VoiceClonePrompt):
        return _cloned(voice, clip)
    presets = tts.load().description.config.talker.speaker_ids
    if preset_key(voice) in presets:
        return VoiceRecord(kind="preset", name=preset_key(voice))
    path = VoiceLibrary.from_env(environ).path(voice)
    return VoiceRecord(kind="kept", name=voice, file_sha256=file_sha256(path))


def identity_record(
    identity: Identity, plan: SegmentPlan, environ: Mapping[str, str]
) -> VoiceRecord:
    """Returns who speaks a segment: which of a kept voice's recordings, too."""
    prompt = plan.request.voice
    if identity.voice is not None and isinstance(prompt, VoiceClonePrompt):
        name = identity.voice.name
        return VoiceRecord(
            kind="kept",
            name=name,
            file_sha256=file_sha256(VoiceLibrary.from_env(environ).path(name)),
            mood=plan.bank_mood,
            prompt_sha256=prompt_sha256(prompt),
        )
    if identity.preset is not None:
        return VoiceRecord(kind="preset", name=identity.preset)
    return VoiceRecord(kind="default")


def voice_again(
    then: VoiceRecord, tts: TTS, environ: Mapping[str, str]
) -> tuple[str | VoiceClonePrompt | None, VoiceRecord]:
    """Returns the voice of a record as it is now, and what its record would say now.

    Raises:
        UnknownVoiceError, VoiceFileError: a kept voice is gone, or damaged.
        RecordError: a clip is gone.
    """
    if then.kind == "kept":
        library, name = VoiceLibrary.from_env(environ), then.name or ""
        now = replace(then, file_sha256=file_sha256(library.path(name)))
        if then.mood is None and then.x_vector_only is None:
            return name, now
        prompt = library.get(name).prompt(then.mood, x_vector_only=then.x_vector_only)
        return prompt, replace(now, prompt_sha256=prompt_sha256(prompt))
    if then.kind == "clip":
        clip = _kept_clip(then)
        prompt = tts.clone(
            clip,
            then.ref_text,
            x_vector_only=bool(then.x_vector_only),
            append_silence=then.append_silence is not False,
        )
        hashes = file_sha256(clip), prompt_sha256(prompt)
        return prompt, replace(then, file_sha256=hashes[0], prompt_sha256=hashes[1])
    return then.name, then


def _kept_clip(then: VoiceRecord) -> Path:
    clip = Path(then.clip or "")
    if not clip.is_file():
        raise RecordError(
            f"the reference clip {then.clip} is gone, and the take was cloned from it; bring it "
            "back, or keep voices (`intone voices clone`) and speak with them by name."
        )
    return clip


def _cloned(prompt: VoiceClonePrompt, clip: Clip | None) -> VoiceRecord:
    if clip is None:
        return VoiceRecord(kind="given", prompt_sha256=prompt_sha256(prompt))
    return VoiceRecord(
        kind="clip",
        clip=str(Path(clip.path).resolve()),
        file_sha256=file_sha256(Path(clip.path)),
        ref_text=clip.ref_text,
        x_vector_only=clip.x_vector_only,
        append_silence=clip.append_silence,
        prompt_sha256=prompt_sha256(prompt),
    )
