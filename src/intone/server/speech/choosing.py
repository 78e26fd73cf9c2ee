"""Which model and which voice a request means."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from intone.core.errors import (
    InvalidSettingError,
    ModelNotFoundError,
    UnknownVoiceError,
    UnsupportedModeError,
)
from intone.core.types import Capabilities, ModelKind
from intone.prompt.spec import preset_key
from intone.server.models import ModelSource
from intone.server.sections import SpeechSection
from intone.server.voice_map import DEFAULT_VOICE_MAP

KIND_OF_TASK: Mapping[str, ModelKind] = {
    "CustomVoice": "custom",
    "VoiceDesign": "design",
    "Base": "base",
}


def chosen_model(
    source: ModelSource,
    settings: SpeechSection,
    *,
    name: str | None,
    kind: ModelKind | None = None,
    must_clone: bool = False,
) -> Capabilities:
    """Returns what the model of a request can do; its `model` is the name to lease it by.

    A request that names no model, or one of OpenAI's, gets the default, or the first model of this
    machine that can do what it asks for. May read files: not on the event loop's thread.

    Args:
        name: as the request says.
        kind: that it must be of; None is any.
        must_clone: it must have a speaker encoder.

    Raises:
        ModelNotFoundError: no such model here, or none that can do it.
        UnsupportedModeError: the model that was named cannot do it.
    """
    if name is None or name in settings.default_names:
        return _first_fitting(source, kind, must_clone)
    can = source.describe(name)
    if kind is not None and can.kind != kind:
        raise UnsupportedModeError(
            f"model {name!r} is of the kind {can.kind}, and the request wants {kind}; name another "
            "model (GET /v1/models), or leave task_type out."
        )
    if must_clone and not can.can_clone:
        raise UnsupportedModeError(
            f"model {name!r} cannot clone a voice; name a base model (GET /v1/models)."
        )
    return can


def _first_fitting(source: ModelSource, kind: ModelKind | None, must_clone: bool) -> Capabilities:
    default = source.default()
    for name in (default, *(one for one in source.names() if one != default)):
        can = source.describe(name)
        if kind in (None, can.kind) and (can.can_clone or not must_clone):
            return can
    wanted = "a model that clones voices" if must_clone else f"a model of the kind {kind}"
    raise ModelNotFoundError(
        f"the request wants {wanted}, and none is on this machine; pull one: "
        f"intone models pull 1.7b-{'base' if must_clone else kind}."
    )


def chosen_voice(
    asked: str | None,
    can: Capabilities,
    kept: Collection[str],
    settings: SpeechSection,
    *,
    has_reference: bool = False,
) -> str | None:
    """Returns the name that the model knows the voice by; None leaves it to the model.

    A preset comes first, then a kept voice, then OpenAI's names: by the map of the settings, or,
    where the model has no such preset, by their place among the model's own presets. On a model
    without presets they stand for nobody.

    Args:
        kept: the names of kept voices.
        has_reference: the request brings a clip of its voice.

    Raises:
        UnknownVoiceError: nobody of that name.
        InvalidSettingError: a voice by name beside a clip of another.
    """
    if has_reference:
        if asked is None or is_stand_in(asked, settings):
            return None
        raise InvalidSettingError(
            f"the request names the voice {asked!r} and brings ref_audio; give one of them."
        )
    if asked is None:
        asked = _default_voice(can, kept, settings)
    if asked is None or _is_known(asked, can, kept):
        return asked
    if is_stand_in(asked, settings):
        return _stand_in(asked.strip().casefold(), can, kept, settings)
    raise UnknownVoiceError(_unknown(asked, can, kept))


def is_stand_in(name: str, settings: SpeechSection) -> bool:
    """Whether a name is one of OpenAI's, or another one of the map: not a person's own."""
    return name.strip().casefold() in {*settings.voice_map, *DEFAULT_VOICE_MAP}


def _default_voice(can: Capabilities, kept: Collection[str], settings: SpeechSection) -> str | None:
    """The server's default holds where the model knows it: other kinds have other voices."""
    voice = settings.voice
    return voice if voice is not None and _is_known(voice, can, kept) else None


def _is_known(name: str, can: Capabilities, kept: Collection[str]) -> bool:
    presets = {preset_key(voice) for voice in can.voices}
    return preset_key(name) in presets or name.casefold() in {one.casefold() for one in kept}


def _stand_in(
    name: str, can: Capabilities, kept: Collection[str], settings: SpeechSection
) -> str | None:
    meant = settings.voice_map.get(name)
    if meant is not None and _is_known(meant, can, kept):
        return meant
    if not can.voices:
        return None
    names = sorted({*settings.voice_map, *DEFAULT_VOICE_MAP})
    return can.voices[names.index(name) % len(can.voices)]


def _unknown(name: str, can: Capabilities, kept: Collection[str]) -> str:
    presets = ", ".join(can.voices) or "none"
    return (
        f"voice {name!r} is unknown; presets of model {can.model!r}: {presets}; kept voices: "
        f"{', '.join(sorted(kept)) or 'none'}. See GET /v1/audio/voices."
    )
