"""The checkpoints that are measured: on this machine, or random ones for the length of a run."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from intone.core.errors import InvalidSettingError

if TYPE_CHECKING:
    from intone.core.types import ModelKind
    from intone.models.official_layout import RandomSize

_SIZES: Mapping[str, RandomSize] = {"tiny": "tiny", "0.6b": "0.6b", "1.7b": "1.7b"}
_KINDS: Mapping[str, ModelKind] = {"base": "base", "custom": "custom", "design": "design"}


@contextmanager
def random_checkpoint(name: str) -> Iterator[Path]:
    """Yields a checkpoint with random weights, SIZE-KIND; it is deleted afterwards.

    Raises:
        InvalidSettingError: there is no such size or kind.
    """
    from intone.models.random_checkpoint import write_random_checkpoint  # brings torch

    size, _, kind = name.lower().rpartition("-")
    if size not in _SIZES or kind not in _KINDS:
        raise InvalidSettingError(
            f"--random is {name!r}; allowed: SIZE-KIND with SIZE one of "
            f"{', '.join(_SIZES)} and KIND one of {', '.join(_KINDS)}."
        )
    with TemporaryDirectory(prefix="intone-bench-") as root:
        directory = Path(root) / f"random-{size}-{kind}"
        yield write_random_checkpoint(directory, kind=_KINDS[kind], size=_SIZES[size])


def directory_of(model: str | None) -> Path:
    """Returns where a model lies, by alias, hub id or directory; None is the built-in voice."""
    from intone.models.hub import HubSettings
    from intone.voices.builtin_voice import model_directory

    return model_directory(model, HubSettings.from_env(os.environ))
