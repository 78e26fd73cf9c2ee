"""Runs without training: a base's tensors plus known noise, written by the trainer's own writer."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from intone.models.checkpoint import Checkpoint
from intone.train.tuning.adapters import LoraAdapter
from intone.train.tuning.checkpoints import TrainedWeights, write_checkpoint
from intone.train.tuning.run_files import RunRecord, write_run
from intone.train.tuning.settings import Target, TrainSettings
from intone.train.tuning.speaker_rows import free_rows

TRAINED = (
    "talker.model.layers.0.self_attn.q_proj.weight",
    "talker.model.layers.1.mlp.gate_proj.weight",
    "talker.text_projection.linear_fc1.bias",
    "talker.code_predictor.model.layers.0.self_attn.o_proj.weight",
)
ADAPTED = ("talker.model.layers.0.self_attn.q_proj", "talker.text_projection.linear_fc2")
HIDDEN_SIZE = 64
RANK, ALPHA = 4, 12


def noise(name: str, shape: Sequence[int]) -> Tensor:
    """Returns fp32 noise that depends on the name alone."""
    generator = torch.Generator().manual_seed(zlib.crc32(name.encode()))
    return 0.02 * torch.randn(*shape, generator=generator)


def base_tensors(base: Path) -> dict[str, Tensor]:
    """Returns the base's weights by official name."""
    return load_file(base / "model.safetensors")


def write_fake_run(
    run: Path,
    base: Path,
    *,
    speakers: Sequence[str] = ("anna",),
    target: Target = "custom",
    is_lora: bool = False,
    losses: Mapping[int, float] | None = None,
    data: Path | None = None,
) -> Path:
    """Writes a run with one checkpoint per step of `losses` and returns its directory."""
    config = Checkpoint(base).config
    rows = free_rows(config, list(speakers))
    with (base / "model.safetensors").open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    record = RunRecord(
        settings=TrainSettings(target=target, preset="lora" if is_lora else "voice", seed=7),
        base=str(base),
        base_kind=config.kind,
        base_size=config.size,
        base_sha256=digest,
        data=str(data or run / "data"),
        data_hash="d" * 64,
        speakers=rows,
        versions={"intone": "0.0", "torch": torch.__version__},
    )
    write_run(run, record)
    for step, loss in (losses or {100: 2.5}).items():
        write_checkpoint(run, step, _weights(base, rows, is_lora, step), {}, {"loss": loss}, {})
    return run


def _weights(base: Path, rows: Mapping[str, int], is_lora: bool, step: int) -> TrainedWeights:
    tensors = base_tensors(base)
    trained = {
        name: tensors[name].float() + noise(f"{name}{step}", tensors[name].shape)
        for name in TRAINED
    }
    pairs = {
        module: (
            noise(f"{module}A", (RANK, tensors[f"{module}.weight"].shape[1])),
            noise(f"{module}B", (tensors[f"{module}.weight"].shape[0], RANK)),
        )
        for module in ADAPTED
    }
    return TrainedWeights(
        tensors={} if is_lora else trained,
        adapter=LoraAdapter(rank=RANK, alpha=ALPHA, pairs=pairs) if is_lora else None,
        speakers={name: noise(f"{name}{step}", (HIDDEN_SIZE,)) for name in rows},
    )
