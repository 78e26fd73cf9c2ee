"""A run's directory: what it was asked for, and checkpoints that are whole or not there.

    RUN/run.json                              settings, base, data, speakers, versions
    RUN/log.jsonl                             one line per step and per validation
    RUN/checkpoints/step-000100/
        weights.safetensors                   trained tensors, fp32, official names
        adapter.safetensors                   LoRA runs: peft names over official modules
        speakers.safetensors                  codec-embedding row of every new preset
        optimizer.safetensors                 moments, by our parameter names; newest two only
        state.json                            step, validation, sizes of the files above

The base's weights are never copied: a checkpoint is what differs from it. A directory is filled
under a hidden name and renamed; `state.json` names every file's size, so one that was cut short
later is known as well, and the one before it is used.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import Tensor

from intone.audio.durable import atomic_write_text, make_directory, sync_directory
from intone.core.errors import OutputError, RunError
from intone.core.types import ModelKind
from intone.train.tuning.adapters import LoraAdapter
from intone.train.tuning.settings import TrainSettings

WEIGHTS, ADAPTER = "weights.safetensors", "adapter.safetensors"
SPEAKERS, OPTIMIZER, STATE = "speakers.safetensors", "optimizer.safetensors", "state.json"

_KEEP_RESUMABLE = 2
"""Checkpoints that keep their optimiser state: the newest, and one should that be damaged."""


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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainedWeights:
    """What differs from the base."""

    tensors: Mapping[str, Tensor]
    """fp32, by official name; empty in a LoRA run."""
    adapter: LoraAdapter | None
    speakers: Mapping[str, Tensor]
    """Codec-embedding row of every new preset, fp32 [H]."""


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


def write_checkpoint(
    run: Path,
    step: int,
    weights: TrainedWeights,
    optimizer: Mapping[str, Tensor],
    validation: Mapping[str, float] | None,
    monitor: Mapping[str, Any],
) -> Path:
    """Writes one checkpoint, whole or not at all, and returns its directory.

    Args:
        monitor: what a resumed run must remember besides weights and moments.
    """
    target = run / "checkpoints" / f"step-{step:06d}"
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    make_directory(part)
    try:
        _write_tensors(part, weights, optimizer)
        state = {
            "step": step,
            "validation": validation,
            "adapter": _adapter_state(weights.adapter),
            "monitor": monitor,
        }
        sizes = {path.name: path.stat().st_size for path in sorted(part.iterdir())}
        atomic_write_text(part / STATE, json.dumps({**state, "sizes": sizes}, indent=1) + "\n")
        if target.exists():  # damaged: a whole one of this step would have been resumed
            shutil.rmtree(target)
        os.replace(part, target)
        sync_directory(target.parent)
    except OSError as error:
        raise OutputError(f"{target} cannot be written: {error}.") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    _drop_old_optimizers(run)
    return target


def _write_tensors(part: Path, weights: TrainedWeights, optimizer: Mapping[str, Tensor]) -> None:
    _save(part / WEIGHTS, weights.tensors)
    _save(part / SPEAKERS, weights.speakers)
    _save(part / OPTIMIZER, optimizer)
    if weights.adapter is not None:
        _save(part / ADAPTER, weights.adapter.peft_tensors())


def _save(path: Path, tensors: Mapping[str, Tensor]) -> None:
    kept = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    save_file(kept, path, metadata={"format": "pt"})
    path.chmod(0o644)  # the writer makes it private
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _adapter_state(adapter: LoraAdapter | None) -> dict[str, int] | None:
    return None if adapter is None else {"rank": adapter.rank, "alpha": adapter.alpha}


def _drop_old_optimizers(run: Path) -> None:
    """Only the newest checkpoints can be resumed from; moments are twice their weights' size."""
    for path in complete_checkpoints(run)[:-_KEEP_RESUMABLE]:
        (path / OPTIMIZER).unlink(missing_ok=True)


def drop_old_checkpoints(run: Path, keep: int) -> None:
    """Removes all but the newest `keep` and the best; 0 keeps all."""
    best = best_checkpoint(run)
    for path in complete_checkpoints(run)[:-keep] if keep else []:
        if path != best:
            shutil.rmtree(path)


def complete_checkpoints(run: Path) -> list[Path]:
    """Returns the checkpoints whose files are all there, whole, oldest first."""
    found = sorted((run / "checkpoints").glob("step-*"))
    return [path for path in found if _is_complete(path)]


def latest_resumable(run: Path) -> Path | None:
    """Returns the newest whole checkpoint with its optimiser state; None without one."""
    found = [path for path in complete_checkpoints(run) if (path / OPTIMIZER).exists()]
    return found[-1] if found else None


def _is_complete(path: Path) -> bool:
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


def read_weights(checkpoint: Path) -> TrainedWeights:
    """Returns what one checkpoint holds besides the optimiser.

    Raises:
        RunError: it is not whole.
    """
    if not _is_complete(checkpoint):
        raise RunError(f"{checkpoint} is missing or damaged; choose another one of the run.")
    adapter, about = None, read_state(checkpoint)["adapter"]
    if about is not None:
        tensors = load_file(checkpoint / ADAPTER)
        adapter = LoraAdapter.from_peft(tensors, about["rank"], about["alpha"])
    return TrainedWeights(
        tensors=load_file(checkpoint / WEIGHTS),
        adapter=adapter,
        speakers=load_file(checkpoint / SPEAKERS),
    )


def read_optimizer(checkpoint: Path) -> dict[str, Tensor]:
    """Returns the optimiser's moments by our parameter names."""
    return load_file(checkpoint / OPTIMIZER)


def best_checkpoint(run: Path) -> Path | None:
    """Returns the whole checkpoint with the lowest validation loss, the newest without any."""
    found = complete_checkpoints(run)
    if not found:
        return None
    losses = [(read_state(path)["validation"] or {}).get("loss") for path in found]
    scored = [(loss, path) for loss, path in zip(losses, found, strict=True) if loss is not None]
    return min(scored)[1] if scored else found[-1]
