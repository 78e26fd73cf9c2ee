"""The small checkpoint that ships in the package, so that the first sentence needs no download."""

from __future__ import annotations

from pathlib import Path

from intone.core.errors import ModelNotFoundError
from intone.models.hub import HubSettings, resolve

BUILTIN_MODEL = "builtin"
"""The name it is asked for by."""


def builtin_directory() -> Path:
    """Returns the directory of the built-in checkpoint.

    Raises:
        ModelNotFoundError: this installation ships without it.
    """
    directory = Path(__file__).with_name("builtin")
    if not (directory / "config.json").is_file():
        raise ModelNotFoundError(
            "this installation has no built-in voice; reinstall intone, or pull a model: "
            "`intone models pull 0.6b-custom`."
        )
    return directory


def model_directory(model: str | Path | None, settings: HubSettings) -> Path:
    """Returns the directory of a model on this machine; None is the voice in the box.

    Args:
        model: "builtin", an alias, a hub id or a directory.

    Raises:
        ModelNotFoundError: it is not here; the message says how to pull it.
    """
    if model is None or model == BUILTIN_MODEL:
        return builtin_directory()
    return resolve(model, settings)
