"""Where datasets, runs and models of the studio lie, and the small files that say what they are."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from intone.audio.durable import atomic_write_text, make_directory
from intone.audio.writer import output_error
from intone.core.errors import InvalidSettingError, RunError
from intone.deploy.state_directory import state_directory
from intone.voices.names import is_plain_name

DATASET_FILE, RUN_FILE = "dataset.json", "training.json"

TRAINING_VARIABLE = "INTONE_TRAINING_DIR"


def training_directory(environ: Mapping[str, str]) -> Path:
    """Returns INTONE_TRAINING_DIR, else `intone/training` in XDG_STATE_HOME (~/.local/state)."""
    chosen = environ.get(TRAINING_VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    return state_directory(environ) / "training"


def trained_models(training: Path) -> dict[str, Path]:
    """Returns the models that checkpoints became, by name; half-written ones are not there."""
    models = training / "models"
    found = models.iterdir() if models.is_dir() else iter(())
    whole = (path for path in found if is_plain_name(path.name))
    return {path.name: path for path in sorted(whole) if (path / "config.json").is_file()}


def now() -> str:
    """Returns the time as ISO 8601 with its offset, to the second."""
    return datetime.now().astimezone().isoformat(timespec="seconds")


def new_directory(parent: Path, wanted: str) -> Path:
    """Returns a new directory of the wanted name, with a number behind it where it is taken.

    Raises:
        OutputError: it cannot be made.
    """
    make_directory(parent)
    for i in range(1, 10_000):
        path = parent / (wanted if i == 1 else f"{wanted}-{i}")
        try:
            path.mkdir()
        except FileExistsError:
            continue
        except OSError as error:
            raise output_error(str(path), error) from error
        return path
    raise RunError(f"{parent} is full of {wanted!r}; remove some first.")


def existing(parent: Path, name: str, what: str) -> Path:
    """Returns a directory of this name; nothing that is given is taken as a path.

    Raises:
        RunError: there is none.
    """
    if not is_plain_name(name) or not (parent / name).is_dir():
        raise RunError(f"there is no {what} {name!r} any more; choose one of the list.")
    return parent / name


def checked_run_name(name: str, runs: Path) -> str:
    """Returns a name that a new run may have.

    Raises:
        InvalidSettingError: not a plain word, or taken.
    """
    if not is_plain_name(name):
        raise InvalidSettingError(
            f"the name {name!r} cannot be used; allowed: letters a to z, digits, '_', '-' and '.', "
            "a letter or digit first. For example nora-1."
        )
    if (runs / name).exists():
        raise InvalidSettingError(
            f"there is a run {name!r} already; go on with that one, remove it, or choose another "
            "name."
        )
    return name


def write_about(path: Path, about: Mapping[str, Any]) -> None:
    """Writes what a dataset or a run is; raises OutputError."""
    atomic_write_text(path, json.dumps(about, indent=1, ensure_ascii=False) + "\n")


def read_about(path: Path) -> dict[str, Any]:
    """Returns what a dataset or a run is.

    Raises:
        RunError: the file is missing or damaged.
    """
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"{path} cannot be read ({error}); remove {path.parent.name!r}.") from error
    if not isinstance(about, dict):
        raise RunError(f"{path} holds no object; remove {path.parent.name!r}.")
    return about


def newest_first(parent: Path, about_file: str) -> Iterator[Path]:
    """Yields the directories that say what they are, newest first; half-made ones are not there."""
    found = parent.iterdir() if parent.is_dir() else iter(())
    times: dict[Path, int] = {}
    for path in found:
        try:
            times[path] = (path / about_file).stat().st_mtime_ns
        except (FileNotFoundError, NotADirectoryError):  # half-made, or just being removed
            continue
    known = [path for path in times if is_plain_name(path.name)]
    yield from sorted(known, key=lambda path: times[path], reverse=True)


def remove_tree(path: Path) -> None:
    """Removes a directory: first out of sight, so that half of it is never listed.

    Raises:
        OutputError: the system refused.
    """
    hidden = path.with_name(f".{path.name}.{secrets.token_hex(4)}.removed")
    try:
        path.rename(hidden)
        shutil.rmtree(hidden)
    except OSError as error:
        raise output_error(str(path), error) from error
