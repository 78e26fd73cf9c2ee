"""Which model speaks a script, and which one hears who speaks."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass

from intone.cli.model_choice import chosen_model, model_for
from intone.cli.models_here import directory_of, first_here, short_name
from intone.core.errors import ModelNotFoundError
from intone.core.types import Capabilities, Samples
from intone.models.hub import HubSettings, resolve
from intone.render.ear import Ear, SynthesizerEar
from intone.render.identity import is_description
from intone.render.planning import MAX_PIECE_S
from intone.tts import TTS
from intone.voices.cloning import Cloner
from intone.voices.library import VoiceLibrary

NO_EAR = "none"
_BASE_MODELS = ("1.7b-base", "0.6b-base")
_EARS = ("0.6b-base", "1.7b-base")
"""Any Base model hears; the smaller one is quicker to open."""

_LONGEST_HEARD_S = 2 * MAX_PIECE_S


@dataclass(frozen=True, slots=True)
class CheckpointEar:
    """The speaker encoder of a checkpoint that does not speak; nothing else of it is loaded."""

    cloner: Cloner
    name: str

    def x_vector(self, samples: Samples) -> Samples:
        return self.cloner.x_vector(samples)


def speaking_model(args: argparse.Namespace, names: Sequence[str]) -> str | None:
    """Returns the model that speaks; None is the built-in voice.

    Args:
        names: of everybody in the script, as they are asked for.

    Raises:
        ModelNotFoundError: somebody needs a model that is not on this machine.
    """
    if args.model is not None:
        return str(args.model)
    library, settings = VoiceLibrary.from_env(os.environ), HubSettings.from_env(os.environ)
    kept = [library.get(name) for name in names if name in library]
    if any(is_description(name) and name not in library for name in names):
        return _designing_model(args, settings)
    if not kept:
        return chosen_model(None, next(iter(names), None), os.environ)
    return args.base_model or model_for(kept[0], settings)


def _designing_model(args: argparse.Namespace, settings: HubSettings) -> str:
    """Returns a Base model, else the VoiceDesign model, which then speaks unlocked.

    Raises:
        ModelNotFoundError: there is neither.
    """
    if args.base_model is not None:
        return str(args.base_model)
    base = first_here(_BASE_MODELS, settings)
    if base is None:
        try:
            resolve(args.design_model, settings)
        except ModelNotFoundError as error:
            raise ModelNotFoundError(
                f"a description is designed by one model and kept by another: {error} And a Base "
                "model: intone models pull 1.7b-base."
            ) from error
    return base or str(args.design_model)


def chosen_ear(args: argparse.Namespace, tts: TTS, can: Capabilities) -> Ear | None:
    """Returns what hears who speaks; None where nothing can, or shall.

    A speaker encoder brings PyTorch, so under a memory budget nothing hears unless it is asked for.

    Raises:
        ModelNotFoundError: the one that was asked for is not on this machine.
        InvalidSettingError: the memory budget leaves no room for it.
    """
    if args.ear == NO_EAR or (args.ear is None and args.memory_budget is not None):
        return None
    if args.memory_budget is not None:
        tts.load().plan.check_clip(_LONGEST_HEARD_S)
    if args.ear is None and can.can_clone:
        return SynthesizerEar(tts, short_name(can.model))
    name = args.ear or first_here(_EARS, HubSettings.from_env(os.environ))
    if name is None:
        return None
    return CheckpointEar(Cloner(directory_of(name), "cpu"), short_name(name))


def why_not_heard(args: argparse.Namespace, can: Capabilities) -> str | None:
    """Returns why nobody is compared, where that was not asked for."""
    if args.ear is not None:
        return None
    if args.memory_budget is not None:
        return (
            "similarity is not measured under a memory budget, since a speaker encoder brings "
            "PyTorch; name one with --ear where there is room"
        )
    return (
        f"similarity is not measured: {can.model} has no speaker encoder; pull one that has "
        "(intone models pull 0.6b-base), or name it with --ear"
    )
