"""From the name in a request to what its prompt takes: a preset first, else a kept voice."""

from __future__ import annotations

from intone.core.errors import UnknownVoiceError
from intone.core.types import VoiceClonePrompt
from intone.models.config import ModelConfig
from intone.prompt.spec import preset_key
from intone.voices.library import VoiceLibrary


def named_voice(
    name: str, config: ModelConfig, library: VoiceLibrary, *, model: str
) -> str | VoiceClonePrompt:
    """Returns a preset's name, or the prompt of a kept voice.

    Args:
        model: the checkpoint as the user named it, for messages.

    Raises:
        UnknownVoiceError: neither; the message lists both.
        UnsupportedModeError: a kept voice of another model.
        VoiceFileError: the voice's file is damaged.
    """
    if preset_key(name) in config.talker.speaker_ids:
        return name
    if name not in library:
        raise UnknownVoiceError(
            f"voice {name!r} is unknown; {_presets(config)}; kept voices: "
            f"{', '.join(library.names()) or 'none'}. See `intone voices list`."
        )
    voice = library.get(name)
    if voice.speaker is not None and preset_key(voice.speaker) in config.talker.speaker_ids:
        return voice.speaker
    talker = config.talker
    prompt = voice.prompt()
    voice.check_fits(
        model=model, hidden_size=talker.hidden_size, num_codebooks=talker.num_codebooks
    )
    return prompt


def _presets(config: ModelConfig) -> str:
    if config.kind != "custom":
        return f"only CustomVoice checkpoints have presets, and this is {config.kind}"
    return f"this checkpoint has: {', '.join(config.speakers)}"
