"""A tiny dataset, already encoded, and the networks of a tiny checkpoint in training form."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from intone.core.types import Codes, Samples
from intone.models.checkpoint import Checkpoint
from intone.models.config import ModelConfig
from intone.prompt.tokenizer import TextTokenizer
from intone.train.encoded import EncodedDataset, EncodedRow
from intone.train.rows import TrainingRow
from intone.train.tuning.objective import TrainedVoice
from intone.train.tuning.restore import open_voice
from intone.train.tuning.run_setup import RunRequest
from intone.train.tuning.sequences import SequenceMaker, training_config
from intone.train.tuning.settings import TrainSettings, VariantRates
from intone.train.tuning.speaker_rows import free_rows

TEXTS = ("One, two.", "Three and four.", "Five?", "Six or seven it is.", "Eight!", "Nine, ten.")
NUM_CODES = 64
HIDDEN = 64


def x_vector(seed: int) -> Samples:
    noise = np.random.default_rng(seed).normal(0, 0.3, HIDDEN)
    return noise.astype(np.float32)


def codes(seed: int, num_frames: int) -> Codes:
    return np.random.default_rng(seed).integers(0, NUM_CODES, (num_frames, 16))


def encoded(index: int, **row: object) -> EncodedRow:
    """Row `index`: text, codes and x-vector are functions of it."""
    values: dict[str, object] = {
        "id": f"rows:{index}",
        "audio": Path(f"{index}.wav"),
        "text": TEXTS[index % len(TEXTS)],
        "speaker": "nora",
        "language": "english",
    }
    return EncodedRow(
        row=TrainingRow(**(values | row)),  # type: ignore[arg-type]
        codes=codes(index, 5 + 2 * index),
        x_vector=x_vector(100 + index),
    )


def dataset(num_train: int = 4, num_validation: int = 1, **row: object) -> EncodedDataset:
    rows = [encoded(i, **row) for i in range(num_train)]
    held = range(num_train, num_train + num_validation)
    rows += [encoded(i, split="validation", **row) for i in held]
    speakers = {e.row.speaker: x_vector(7) for e in rows}
    return EncodedDataset(rows=rows, speakers=speakers, content_hash="0" * 64)


def settings(**values: object) -> TrainSettings:
    """Small and exact: fp32, four rows a step."""
    usual: dict[str, object] = {
        "preset": "full",
        "precision": "fp32",
        "rows_per_step": 4,
        "batch_positions": 120,
        "predictor_share": 0.5,
        "save_every": 2,
        "max_steps": 4,
        "epochs": 1000,
        "learning_rate_scale": 100.0,
    }
    return TrainSettings(**(usual | values))  # type: ignore[arg-type]


def request(model: Path, out: Path, chosen: TrainSettings, data: EncodedDataset) -> RunRequest:
    return RunRequest(
        model=model, data=out.parent / "data", dataset=data, out=out, settings=chosen, device="cpu"
    )


def opened(
    directory: Path, chosen: TrainSettings, rows: Sequence[EncodedRow]
) -> tuple[TrainedVoice, SequenceMaker, ModelConfig]:
    """The networks of a checkpoint, a maker of sequences and the configuration of the target."""
    checkpoint = Checkpoint(directory)
    new = sorted({e.row.speaker for e in rows} - set(checkpoint.config.speakers))
    places = free_rows(checkpoint.config, new) if chosen.target == "custom" else {}
    config = training_config(checkpoint.config, chosen.target, places)
    vectors = {name: torch.from_numpy(x_vector(7)) for name in places}
    voice = open_voice(checkpoint, chosen, vectors, places)
    return voice, SequenceMaker(config, TextTokenizer.from_dir(directory), rows, chosen), config


ALWAYS = VariantRates(at_once=1.0, language=1.0, instruct=1.0, x_vector=0.0, icl=0.0)
"""Every row in one form: as a preset."""

SHARED = settings(max_steps=5, save_every=1, patience=0, batch_positions=60, keep=0)
SHARED_DATA = dataset(num_train=7, num_validation=3)
"""A run that several processes make: uneven micro-batches, a short last step."""
