"""The small checkpoint that ships in the package, so that the first sentence needs no download."""

from __future__ import annotations

from pathlib import Path

from intone.core.errors import ModelNotFoundError

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
