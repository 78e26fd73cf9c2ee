"""What a record says of the model that spoke, and the library that its voice is found in.

The rest of a record is `render.recording`'s, which pages share.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from intone.cli.models_here import lasting_name
from intone.core.types import VoiceClonePrompt
from intone.render import recording
from intone.render.recording import Clip
from intone.render.sidecar import ModelRecord, VoiceRecord
from intone.voices.library import VoiceLibrary

if TYPE_CHECKING:
    from intone.tts import TTS


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
    """Returns who speaks with a model; see `recording.voice_record`."""
    presets = tts.load().description.config.talker.speaker_ids
    return recording.voice_record(voice, presets, VoiceLibrary.from_env(environ), clip)
