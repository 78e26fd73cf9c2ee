"""What a record says of the model and the voice that spoke, as this process has them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from intone import __version__
from intone.cli.clip import Clip
from intone.cli.models_here import lasting_name
from intone.core.types import Audio, SpeechRequest, VoiceClonePrompt
from intone.prompt.spec import preset_key
from intone.render.hashes import file_sha256, prompt_sha256
from intone.render.outputs import local_now
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
        created_at=local_now().isoformat(timespec="seconds"),
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
