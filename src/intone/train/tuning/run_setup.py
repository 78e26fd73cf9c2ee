"""What stands before the first step: the run's record, where it goes on, what the process holds."""

from __future__ import annotations

import platform
import resource
import sys
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.distributed.algorithms._checkpoint.checkpoint_wrapper import (
    apply_activation_checkpointing,
)

from intone.core.errors import DatasetError, MissingDependencyError, RunError
from intone.models.checkpoint import Checkpoint
from intone.models.fingerprint import weights_sha256
from intone.models.layers import DecoderBlock
from intone.train.encoded import EncodedDataset
from intone.train.tuning.run_files import (
    RunRecord,
    complete_checkpoints,
    latest_resumable,
    read_run,
    write_run,
)
from intone.train.tuning.settings import TrainSettings
from intone.train.tuning.speaker_rows import free_rows

if TYPE_CHECKING:
    from accelerate import Accelerator


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """What to train, on what, where to."""

    model: Path
    """Checkpoint directory to begin with."""
    data: Path
    """For the record: the directory that `dataset` was read from."""
    dataset: EncodedDataset
    out: Path
    settings: TrainSettings
    device: str = "auto"
    tensorboard: bool = False


def open_accelerator(request: RunRequest) -> Accelerator:
    """Returns accelerate's handle on devices and processes; raises MissingDependencyError."""
    try:
        from accelerate import Accelerator
    except ImportError as error:
        raise MissingDependencyError(
            "training needs accelerate; `pip install 'intone[train]'` and run again."
        ) from error
    # accelerate keeps one state for the whole process, so precision, which each run chooses, is not
    # its business: the trainer sets autocast itself.
    return Accelerator(cpu=request.device == "cpu", mixed_precision="no")


def make_record(request: RunRequest, checkpoint: Checkpoint) -> tuple[RunRecord, dict[str, Tensor]]:
    """Returns the run's record, and the codec-embedding rows of its new presets."""
    config, settings = checkpoint.config, request.settings
    names = sorted({e.row.speaker for e in request.dataset.split("train")})
    new = [name for name in names if name not in config.talker.speaker_ids]
    if settings.target != "custom":
        new = []
    vectors = request.dataset.speakers
    missing = [name for name in new if name not in vectors]
    if missing:
        raise DatasetError(
            f"speaker {missing[0]!r} has no x-vector to become a preset; encode the data with a "
            "Base model, or with --speaker-encoder BASE."
        )
    record = RunRecord(
        settings=settings,
        base=str(request.model.resolve()),
        base_kind=config.kind,
        base_size=config.size,
        base_sha256=weights_sha256(request.model),
        data=str(request.data.resolve()),
        data_hash=request.dataset.content_hash,
        speakers=free_rows(config, new),
        versions={
            "intone": version("intone"),
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
    )
    return record, {name: torch.from_numpy(vectors[name].copy()) for name in new}


def resume_point(request: RunRequest, record: RunRecord, accelerator: Accelerator) -> Path | None:
    """Returns the checkpoint to go on from; writes run.json for a new run.

    Raises:
        RunError: the directory holds another run.
    """
    out = request.out
    if (out / "run.json").exists():
        old = read_run(out)
        changed = [
            name for name, value in asdict(record).items()
            if name != "versions" and asdict(old)[name] != value
        ]  # fmt: skip
        if changed:
            raise RunError(
                f"{out} holds a run that differs in {', '.join(changed)}; a run goes on with its "
                "own model, data and settings. Give them again, or another --out."
            )
    elif complete_checkpoints(out):
        raise RunError(f"{out} has checkpoints but no run.json; choose another --out.")
    elif accelerator.is_main_process:
        write_run(out, record)
    accelerator.wait_for_everyone()
    return latest_resumable(out)


def recompute_blocks(voice: nn.Module) -> None:
    """Makes decoder blocks forget their activations and compute them again on the way back."""
    apply_activation_checkpointing(voice, check_fn=lambda module: isinstance(module, DecoderBlock))


def peak_memory_bytes() -> int:
    """Returns the most memory that this process has held: on the GPU where there is one."""
    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
