"""What a record says of the model that spoke, and the library that its voice is found in.

The rest of a record is `render.recording`'s, which pages share.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from intone.cli.models_here import lasting_name
from intone.core.types import VoiceClonePrompt
from intone.remote import RemoteTTS
from intone.render import recording
from intone.render.hashes import prompt_sha256
from intone.render.recording import Clip
from intone.render.sidecar import ModelRecord, VoiceRecord
from intone.voices.library import VoiceLibrary

if TYPE_CHECKING:
    from intone.tts import TTS

UNKNOWN_DTYPE = "unknown"


def model_record(tts: TTS | RemoteTTS, model: str | None) -> ModelRecord:
    """Returns which weights speak and how; loads the model, if nobody did yet.

    Of a server only its address and its model's name are known: they stand for device and weights.

    Args:
        model: as it was asked for; None is the built-in voice.
    """
    from intone.models.identity import checkpoint_fingerprint

    if isinstance(tts, RemoteTTS):
        return _remote_record(tts)
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


def _remote_record(tts: RemoteTTS) -> ModelRecord:
    can = tts.capabilities()
    return ModelRecord(
        name=can.model,
        kind=can.kind,
        size=can.size,
        fingerprint=f"{can.model} of {tts.url}",
        device=tts.url,
        dtype=UNKNOWN_DTYPE,
        threads=0,
    )


def voice_record(
    voice: str | VoiceClonePrompt | None,
    tts: TTS | RemoteTTS,
    environ: Mapping[str, str],
    clip: Clip | None = None,
) -> VoiceRecord:
    """Returns who speaks with a model; see `recording.voice_record`."""
    if isinstance(tts, RemoteTTS):
        return _remote_voice(voice, clip)
    presets = tts.load().description.config.talker.speaker_ids
    return recording.voice_record(voice, presets, VoiceLibrary.from_env(environ), clip)


def _remote_voice(voice: str | VoiceClonePrompt | None, clip: Clip | None) -> VoiceRecord:
    """Returns a voice as a server has it: all that are known by name are presets of the server."""
    if clip is not None:
        return recording.clip_record(clip)
    if isinstance(voice, VoiceClonePrompt):
        return VoiceRecord(kind="given", prompt_sha256=prompt_sha256(voice))
    return VoiceRecord(kind="default") if voice is None else VoiceRecord(kind="preset", name=voice)
