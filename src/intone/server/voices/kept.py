"""Kept voices by the id in a path; what is not there is told without a path of this machine."""

from __future__ import annotations

from intone.core.errors import UnknownVoiceError, VoiceFileError
from intone.server.errors import INVALID_REQUEST, ApiError, public_message
from intone.server.models import ModelSource
from intone.server.voices.choosing import models_of, preset_of
from intone.voices.library import VoiceLibrary
from intone.voices.names import checked_name
from intone.voices.voice import Voice

MAX_KEPT = 2_000
"""Voices that a server takes; a library is a folder, read for every list."""


def kept_voice(id: str, library: VoiceLibrary, source: ModelSource) -> Voice:
    """Returns a kept voice by its name, in any case.

    Raises:
        ApiError: 404, there is none; 409, it is a preset, or its file is damaged.
    """
    check_kept(id, library, source)
    try:
        return library.get(id)
    except UnknownVoiceError as error:  # removed since
        raise no_voice(id) from error
    except VoiceFileError as error:
        raise ApiError(
            409, INVALID_REQUEST, "damaged_voice", public_message(str(error)), param="id"
        ) from error


def check_kept(id: str, library: VoiceLibrary, source: ModelSource) -> None:
    """Raises ApiError where no voice of that name is kept; a damaged one is."""
    if id in library:
        return
    if any(preset_of(id, can) is not None for _, can in models_of(source)):
        raise ApiError(
            409,
            INVALID_REQUEST,
            "preset_voice",
            f"{id[:64]!r} is a preset of a model; only kept voices can be changed, moved or "
            "removed.",
            param="id",
        )
    raise no_voice(id)


def check_free(name: str, library: VoiceLibrary, *, can_replace: bool = False) -> str:
    """Returns a name that a new voice may have.

    Raises:
        InvalidSettingError: it is no name of a voice.
        ApiError: 409, it is taken; 429, there are too many voices.
    """
    checked_name(name)
    names = library.names()
    if name in library:
        if can_replace:
            return name
        raise ApiError(
            409,
            INVALID_REQUEST,
            "voice_exists",
            f"a voice {name!r} is kept already, and case makes no difference; choose another name, "
            "send replace=true, or remove it first.",
            param="name",
        )
    if len(names) >= MAX_KEPT:
        raise ApiError(
            429,
            "rate_limit_error",
            "too_many_voices",
            f"this server keeps {len(names)} voices; allowed: {MAX_KEPT}. Remove some first.",
        )
    return name


def no_voice(id: str) -> ApiError:
    """Returns the answer for an id that nobody has."""
    return ApiError(
        404,
        INVALID_REQUEST,
        "voice_not_found",
        f"no voice {id[:64]!r}; GET /v1/audio/voices lists those there are.",
        param="id",
    )
