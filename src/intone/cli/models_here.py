"""The models of this machine: where they lie, what they are called, whom they speak with."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from intone.core.errors import CheckpointError, ModelNotFoundError
from intone.models.hub import HubSettings, list_installed, resolve
from intone.voices.builtin_voice import BUILTIN_MODEL, builtin_directory, model_directory

if TYPE_CHECKING:
    from intone.models.config import ModelConfig
    from intone.voices.voice import Voice


@dataclass(frozen=True, slots=True)
class ModelHere:
    """A checkpoint on this machine."""

    name: str
    """As it is asked for."""
    config: ModelConfig

    @classmethod
    def read(cls, name: str, directory: Path) -> ModelHere:
        """Reads what a checkpoint is, no weights; raises CheckpointError."""
        from intone.models.description import ModelDescription

        return cls(name, ModelDescription.read(directory).config)

    @property
    def can_clone(self) -> bool:
        return self.config.speaker_encoder is not None

    def fits(self, voice: Voice) -> bool:
        """Whether it can speak with a voice."""
        if voice.x_vector is None:
            return voice.speaker in self.config.speakers
        talker = self.config.talker
        fits = voice.fits(hidden_size=talker.hidden_size, num_codebooks=talker.num_codebooks)
        return self.can_clone and fits


def models_here() -> tuple[ModelHere, ...]:
    """Returns the checkpoints that can be asked for, the voice in the box last."""
    return tuple(_models_here())


def _models_here() -> Iterator[ModelHere]:
    installed = list_installed(HubSettings.from_env(os.environ))
    places = {one.alias or one.repo_id: one.path for one in installed if one.is_complete}
    try:
        places[BUILTIN_MODEL] = builtin_directory()
    except ModelNotFoundError:
        pass
    for name, directory in places.items():
        try:
            yield ModelHere.read(name, directory)
        except CheckpointError:
            continue  # `intone models inspect` says what is wrong with it


def directory_of(model: str | None) -> Path:
    """Returns the directory of a model on this machine; None is the built-in voice.

    Raises:
        ModelNotFoundError: it is not here; the message says how to pull it.
    """
    return model_directory(model, HubSettings.from_env(os.environ))


def first_here(names: Sequence[str], settings: HubSettings) -> str | None:
    """Returns the first of some models that is on this machine; None where none is."""
    for name in names:
        try:
            resolve(name, settings)
        except ModelNotFoundError:
            continue
        return name
    return None


def short_name(model: str) -> str:
    """Returns what a voice remembers of a model: its alias, or its directory's name, no path."""
    return Path(model).name if Path(model).is_dir() else model


def lasting_name(model: str | None) -> str:
    """Returns a name that means the same model from another working directory."""
    if model is None:
        return BUILTIN_MODEL
    return str(Path(model).resolve()) if Path(model).is_dir() else model
