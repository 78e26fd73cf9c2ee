"""Which model speaks a script."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

from intone.cli.model_choice import chosen_model, model_for
from intone.cli.models_here import first_here
from intone.core.errors import ModelNotFoundError
from intone.models.hub import HubSettings, resolve
from intone.render.identity import is_description
from intone.voices.library import VoiceLibrary

_BASE_MODELS = ("1.7b-base", "0.6b-base")


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
