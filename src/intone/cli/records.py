"""What a record says of the model and the voice that spoke, as this process has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from intone.core.types import VoiceClonePrompt
from intone.prompt.spec import preset_key
from intone.render.sidecar import ModelRecord, VoiceRecord, file_sha256, prompt_sha256
from intone.voices.builtin_voice import BUILTIN_MODEL
from intone.voices.library import VoiceLibrary

if TYPE_CHECKING:
    from intone.tts import TTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """A voice that a command cloned for its own takes."""

    path: str
    ref_text: str | None
    x_vector_only: bool
    append_silence: bool


def model_record(tts: TTS, model: str | None) -> ModelRecord:
    """Returns which weights speak and how; loads the model, if nobody did yet.

    Args:
        model: as it was asked for; None is the built-in voice.
    """
    from intone.models.identity import checkpoint_fingerprint

    plan = tts.load().plan
    config = plan.description.config
    return ModelRecord(
        name=BUILTIN_MODEL if model is None else model,
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
        clip=clip.path,
        file_sha256=file_sha256(Path(clip.path)),
        ref_text=clip.ref_text,
        x_vector_only=clip.x_vector_only,
        append_silence=clip.append_silence,
        prompt_sha256=prompt_sha256(prompt),
    )
