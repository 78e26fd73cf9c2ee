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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import Tensor

from intone.audio.durable import atomic_write_text, make_directory, sync_directory
from intone.core.errors import OutputError, RunError
from intone.train.tuning.adapters import LoraAdapter
from intone.train.tuning.run_files import (
    OPTIMIZER,
    STATE,
    best_checkpoint,
    complete_checkpoints,
    is_complete,
    read_state,
)

WEIGHTS, ADAPTER = "weights.safetensors", "adapter.safetensors"
SPEAKERS = "speakers.safetensors"

_KEEP_RESUMABLE = 2
"""Checkpoints that keep their optimiser state: the newest, and one should that be damaged."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainedWeights:
    """What differs from the base."""

    tensors: Mapping[str, Tensor]
    """fp32, by official name; empty in a LoRA run."""
    adapter: LoraAdapter | None
    speakers: Mapping[str, Tensor]
    """Codec-embedding row of every new preset, fp32 [H]."""


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


def read_weights(checkpoint: Path) -> TrainedWeights:
    """Returns what one checkpoint holds besides the optimiser.

    Raises:
        RunError: it is not whole.
    """
    if not is_complete(checkpoint):
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
