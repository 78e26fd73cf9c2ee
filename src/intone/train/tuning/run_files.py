"""The small files of a run, read without tensors: what was asked for, which checkpoints are whole.

    RUN/run.json                              settings, base, data, speakers, versions
    RUN/checkpoints/step-000100/state.json    step, validation, sizes of the files beside it

A checkpoint was filled under a hidden name and renamed; `state.json` names every file's size, so
one that was cut short later is known as well, and the one before it is used.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from intone.audio.durable import atomic_write_text
from intone.core.errors import RunError
from intone.core.types import ModelKind
from intone.train.tuning.settings import TrainSettings

STATE, OPTIMIZER = "state.json", "optimizer.safetensors"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """What a run was asked for; never changes after its start."""

    settings: TrainSettings
    base: str
    """Absolute directory of the checkpoint that the run began with."""
    base_kind: ModelKind
    base_size: str
    base_sha256: str
    """Of its model.safetensors."""
    data: str
    """Absolute directory of the encoded dataset."""
    data_hash: str
    speakers: Mapping[str, int]
    """New presets and the codec-embedding row of each."""
    versions: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        """Returns what `from_json` reads."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> RunRecord:
        """Reads what `to_json` wrote."""
        return cls(**{**data, "settings": TrainSettings.from_json(data["settings"])})


def write_run(run: Path, record: RunRecord) -> None:
    """Writes run.json."""
    text = json.dumps(record.to_json(), indent=1) + "\n"
    atomic_write_text(run / "run.json", text)


def read_run(run: Path) -> RunRecord:
    """Returns a run's record.

    Raises:
        RunError: there is none, or it is not readable.
    """
    try:
        return RunRecord.from_json(json.loads((run / "run.json").read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise RunError(
            f"{run} has no run.json; give the directory that `intone train run --out` made."
        ) from error
    except (ValueError, TypeError, KeyError) as error:
        raise RunError(f"{run / 'run.json'} is damaged ({error}); start a new run.") from error


def complete_checkpoints(run: Path) -> list[Path]:
    """Returns the checkpoints whose files are all there, whole, oldest first."""
    found = sorted((run / "checkpoints").glob("step-*"))
    return [path for path in found if is_complete(path)]


def latest_resumable(run: Path) -> Path | None:
    """Returns the newest whole checkpoint with its optimiser state; None without one."""
    found = [path for path in complete_checkpoints(run) if (path / OPTIMIZER).exists()]
    return found[-1] if found else None


def is_complete(path: Path) -> bool:
    """Whether every file of a checkpoint is there with its size."""
    try:
        sizes = read_state(path)["sizes"]
        present = {name: (path / name).stat().st_size for name in sizes if name != OPTIMIZER}
        if (path / OPTIMIZER).exists():  # dropped from old ones on purpose
            present[OPTIMIZER] = (path / OPTIMIZER).stat().st_size
    except (RunError, KeyError, OSError):
        return False
    return all(sizes[name] == size for name, size in present.items())


def read_state(checkpoint: Path) -> dict[str, Any]:
    """Returns a checkpoint's state.json; raises RunError when it is missing or damaged."""
    try:
        state = json.loads((checkpoint / STATE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(
            f"{checkpoint} is no whole checkpoint ({error}); choose another one of the run."
        ) from error
    if not isinstance(state, dict):
        raise RunError(f"{checkpoint / STATE} holds no object; choose another checkpoint.")
    return state


def best_checkpoint(run: Path) -> Path | None:
    """Returns the whole checkpoint with the lowest validation loss, the newest without any."""
    found = complete_checkpoints(run)
    if not found:
        return None
    losses = [(read_state(path)["validation"] or {}).get("loss") for path in found]
    scored = [(loss, path) for loss, path in zip(losses, found, strict=True) if loss is not None]
    return min(scored)[1] if scored else found[-1]
