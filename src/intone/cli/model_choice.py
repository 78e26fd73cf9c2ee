"""Which model speaks when none was named: the one that a kept voice fits, else the best preset."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from intone.cli.models_here import ModelHere, first_here
from intone.cli.telling import tell
from intone.core.errors import CheckpointError, ModelNotFoundError
from intone.models.hub import ALIASES, HubSettings
from intone.prompt.spec import preset_key
from intone.voices.builtin_voice import BUILTIN_MODEL, model_directory
from intone.voices.library import VoiceLibrary
from intone.voices.names import BUILTIN_NAMES
from intone.voices.voice import Voice

PREFERRED_MODELS = ("1.7b-custom", "0.6b-custom")
"""What speaks when no model and no kept voice is named, and one of them was pulled."""


def chosen_model(model: str | None, voice: str | None, environ: Mapping[str, str]) -> str | None:
    """Returns the model to load; None is the built-in voice. Says so where it had the choice.

    Args:
        model: as the user named it; then nothing is chosen.
        voice: the name of a preset, or of a kept voice.

    Raises:
        ModelNotFoundError: a kept voice needs a model that is not on this machine.
        VoiceFileError: the voice's file is damaged.
    """
    if model is not None:
        return model
    settings = HubSettings.from_env(environ)
    library = VoiceLibrary.from_env(environ)
    if voice is not None and preset_key(voice) in BUILTIN_NAMES:
        return None
    if voice is not None and voice in library:
        return model_for(library.get(voice), settings)
    return _best_preset_model(settings)


def model_for(voice: Voice, settings: HubSettings) -> str:
    """Returns a model of this machine that speaks with a kept voice: its own, else any that fits.

    Raises:
        ModelNotFoundError: there is none; the message says which to pull.
    """
    own = voice.model or voice.making.model
    for name, directory in _candidates(own, settings):
        if _fits(name, directory, voice):
            return name
    wanted = own or "a Base model of its size"
    raise ModelNotFoundError(
        f"voice {voice.name!r} speaks with {wanted}, which is not on this machine; pull it "
        "(intone models pull), or name a model that fits with --model."
    )


def _candidates(own: str | None, settings: HubSettings) -> Iterator[tuple[str, Path]]:
    """Yields the models of this machine by name, the voice's own first."""
    for name in dict.fromkeys(filter(None, (own, BUILTIN_MODEL, *ALIASES))):
        try:
            yield name, model_directory(name, settings)
        except ModelNotFoundError:
            continue


def _fits(name: str, directory: Path, voice: Voice) -> bool:
    try:
        return ModelHere.read(name, directory).fits(voice)
    except CheckpointError:  # whoever speaks with that one is told
        return False


def _best_preset_model(settings: HubSettings) -> str | None:
    found = first_here(PREFERRED_MODELS, settings)
    if found is None:
        tell(
            "speaking with the small built-in voice; for nine voices in ten languages: "
            "intone models pull 0.6b-custom"
        )
    return found
