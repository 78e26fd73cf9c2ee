"""Which model speaks for a voice, where a request leaves it open, and what a voice is called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePath

from intone.core.errors import ModelNotFoundError, UnknownVoiceError
from intone.core.types import Capabilities
from intone.prompt.spec import preset_key
from intone.server.models import ModelSource
from intone.voices.library import VoiceLibrary
from intone.voices.voice import Voice


def preset_of(name: str, can: Capabilities) -> str | None:
    """Returns the preset of a model that a name stands for, in any case and with blanks."""
    wanted = preset_key(name)
    return next((preset for preset in can.voices if preset_key(preset) == wanted), None)


def known_name(name: str, can: Capabilities, voice_map: Mapping[str, str]) -> str:
    """Returns the name that the map has for a voice which the model does not have itself."""
    if preset_of(name, can) is not None:
        return name
    return voice_map.get(name.strip().lower(), name)


def speaks(voice: Voice, can: Capabilities, source: ModelSource) -> bool:
    """Whether a model can speak with a kept voice; a speaker is that of one model alone."""
    if voice.x_vector is None:
        return own_model(voice, source) == can.model
    return can.can_clone and voice.fits(
        hidden_size=can.hidden_size, num_codebooks=can.num_codebooks
    )


def own_model(voice: Voice, source: ModelSource) -> str | None:
    """Returns the model whose speaker a kept voice is, as it is served; None where it is not."""
    if voice.model is None or voice.speaker is None:
        return None
    for name in (voice.model, PurePath(voice.model).name):  # a folder is served by its name
        try:
            can = source.describe(name)
        except ModelNotFoundError:
            continue
        if preset_of(voice.speaker, can) is not None:
            return can.model
    return None


def models_of(source: ModelSource) -> Iterator[tuple[str, Capabilities]]:
    """Yields the models that can be asked for, the default first, and what they can do."""
    try:
        first: tuple[str, ...] = (source.default(),)
    except ModelNotFoundError:
        first = ()
    for name in dict.fromkeys((*first, *source.names())):
        try:
            yield name, source.describe(name)
        except ModelNotFoundError:
            continue


def model_for_voice(
    voice: str | None, source: ModelSource, library: VoiceLibrary, voice_map: Mapping[str, str]
) -> str:
    """Returns a model that speaks with a voice; the default one, where it does or none is named.

    Raises:
        UnknownVoiceError: no model of this machine has that preset, and no such voice is kept.
        ModelNotFoundError: the voice is kept, and no model of this machine speaks with it.
        VoiceFileError: the voice's file is damaged.
    """
    if voice is None:
        return source.default()
    is_kept = voice in library
    kept = library.get(voice) if is_kept else None
    for name, can in models_of(source):
        is_preset = preset_of(known_name(voice, can, voice_map), can) is not None
        if is_preset or (kept is not None and speaks(kept, can, source)):
            return name
    if kept is None:
        raise UnknownVoiceError(
            f"voice {voice!r} is unknown: no model here has such a preset, and no such voice is "
            "kept; GET /v1/audio/voices lists both."
        )
    wanted = kept.model or kept.making.model or "a Base model of its size"
    raise ModelNotFoundError(
        f"voice {voice!r} speaks with {wanted}, which is not served here; ask for another voice of "
        "GET /v1/audio/voices."
    )
