"""`python -m benchmarks.train_objective`: both demonstrations, a table, and JSON to keep.

    python -m benchmarks.train_objective --upstream CHECKOUT --json OUT

CHECKOUT is a checkout of QwenLM/Qwen3-TTS; `make oracle` makes the environment that judges.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from benchmarks.train_speed.__main__ import SAME_FORM
from benchmarks.train_speed.data import (
    SyntheticRow,
    make_rows,
    write_encoded_rows,
    write_public_rows,
)
from benchmarks.train_speed.replacements import SCRIPT_COMMIT
from benchmarks.train_speed.sides import ACCUMULATION

from intone.audio.reference import load_reference
from intone.bench.machine import Machine
from intone.core.types import Samples
from intone.models.checkpoint import Checkpoint
from intone.models.random_checkpoint import write_random_checkpoint
from intone.voices.builtin_voice import builtin_directory
from intone.voices.cloning import Cloner

HERE = Path(__file__).parent
NUM_CLIPS = ACCUMULATION
"""A step of either trainer sees every clip once."""
PRESET_RATE = 5e-6
"""Of the preset `full`, which --learning-rate-scale multiplies."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs both demonstrations; returns the exit code."""
    args = _parser().parse_args(argv)
    with TemporaryDirectory(prefix="train-objective-") as root:
        report = {
            "upstream_commit": SCRIPT_COMMIT,
            "date": date.today().isoformat(),
            "machine": vars_of(Machine.here()),
            "speaking_model": speaking_model(args, Path(root)),
            "four_clips": four_clips(args, Path(root)),
        }
    text = json.dumps(report, indent=1)
    print(text)
    if args.json is not None:
        args.json.write_text(text + "\n", encoding="utf-8")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="benchmarks.train_objective", description=__doc__)
    parser.add_argument("--upstream", type=Path, required=True, help="checkout of Qwen3-TTS")
    parser.add_argument("--public-python", type=Path, default=Path(".venv-oracle/bin/python"))
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--texts", type=int, default=12, help="that the built-in voice speaks")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    return parser


def vars_of(machine: Machine) -> dict[str, Any]:
    """Returns what a figure needs to be read: processor and system."""
    return {"cpu": machine.cpu, "system": machine.system, "python": machine.python}


def speaking_model(args: argparse.Namespace, root: Path) -> dict[str, Any]:
    """Returns how the built-in voice's own speech is scored under it, by either objective."""
    directory = builtin_directory()
    sentences = HERE.parent / "data" / "heldout_50.txt"
    texts = sentences.read_text(encoding="utf-8").splitlines()[: args.texts]
    speaker = Checkpoint(directory).config.speakers[0]
    job = {"texts": texts, "speaker": speaker, "max_frames": 250}
    weights = (directory / "model.safetensors").read_bytes()
    return {"sha256": hashlib.sha256(weights).hexdigest(), **judged(args, root, directory, job)}


def four_clips(args: argparse.Namespace, root: Path) -> dict[str, Any]:
    """Returns what a tiny model has learnt of four clips from either trainer."""
    base = write_random_checkpoint(root / "base", kind="base", size="tiny")
    num_codes = Checkpoint(base).config.code_predictor.vocab_size
    rows = make_rows(NUM_CLIPS, min_s=1.0, max_s=2.0, num_codes=num_codes, seed=0)
    public_rows = write_public_rows(list(rows) * args.steps, root)
    x_vector = x_vector_of(base, root / "reference.wav")
    job = {"rows": [row_job(row, x_vector) for row in rows]}
    trained = {
        "untrained": base,
        "public_script": train_publicly(args, root, base, public_rows),
        "intone": train_here(args, root, base, rows, x_vector),
    }
    return {
        "steps": args.steps,
        "learning_rate": args.learning_rate,
        **{name: judged(args, root, checkpoint, job) for name, checkpoint in trained.items()},
    }


def x_vector_of(checkpoint: Path, clip: Path) -> Samples:
    """Returns the x-vector of the clip that every row names as its reference."""
    cloner = Cloner(Checkpoint(checkpoint), torch.device("cpu"))
    return cloner.clone(load_reference(clip), None).x_vector


def row_job(row: SyntheticRow, x_vector: Samples) -> dict[str, Any]:
    """Returns a row in the script's one form, as the judge reads it."""
    return {
        "text": row.text,
        "language": "auto",
        "text_layout": "at_once",
        "speaker": None,
        "instruct": None,
        "x_vector": x_vector.tolist(),
        "ref_codes": None,
        "ref_text": None,
        "codes": row.codes.tolist(),
    }


def train_publicly(args: argparse.Namespace, root: Path, base: Path, rows: Path) -> Path:
    """Returns the checkpoint that the script's training ends with."""
    out = root / "public"
    job = {
        "upstream": str(args.upstream),
        "model": str(base),
        "rows": str(rows),
        "out": str(out),
        "micro_rows": NUM_CLIPS // ACCUMULATION,
        "learning_rate": args.learning_rate,
        "threads": args.threads,
        "seed": 0,
        "steps": args.steps,
    }
    run_publicly(args, root, HERE / "public_trainer.py", job)
    return out


def train_here(
    args: argparse.Namespace, root: Path, base: Path, rows: Sequence[SyntheticRow], vector: Samples
) -> Path:
    """Returns the checkpoint that `intone train run` and `export` end with."""
    data = write_encoded_rows(rows, root / "data", len(vector), np.asarray(vector))
    run, out = root / "run", root / "ours"
    scale = str(args.learning_rate / PRESET_RATE)
    steps = str(args.steps)
    arguments = ["train", "run", str(data), "--model", str(base), "--out", str(run)]
    arguments += ["--preset", "full", "--target", "base", "--device", "cpu"]
    arguments += ["--epochs", steps, "--rows-per-step", str(NUM_CLIPS), "--save-every", steps]
    # The script gives every frame to the code predictor; so does this.
    arguments += ["--learning-rate-scale", scale, *SAME_FORM, "--predictor-share", "1"]
    export = ["train", "export", str(run), "--out", str(out)]
    for words in (arguments, export):
        command = [sys.executable, "-m", "intone", *words]
        subprocess.run(command, check=True, env=environment(args.threads), stdout=sys.stderr)
    return out


def judged(
    args: argparse.Namespace, root: Path, checkpoint: Path, job: Mapping[str, Any]
) -> dict[str, Any]:
    """Returns the public package's figures of a checkpoint."""
    whole = {**job, "checkpoint": str(checkpoint), "threads": args.threads}
    return run_publicly(args, root, HERE / "public_judge.py", whole)


def run_publicly(
    args: argparse.Namespace, root: Path, script: Path, job: Mapping[str, Any]
) -> dict[str, Any]:
    """Returns what a script writes in the public package's environment."""
    job_path, out_path = root / "job.json", root / "figures.json"
    job_path.write_text(json.dumps(job), encoding="utf-8")
    command = [str(args.public_python), str(script), str(job_path), str(out_path)]
    subprocess.run(command, check=True, env=environment(args.threads), stdout=sys.stderr)
    figures: dict[str, Any] = json.loads(out_path.read_text(encoding="utf-8"))
    return figures


def environment(threads: int) -> dict[str, str]:
    """Returns the environment of every process that is started."""
    quiet = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error", "PYTHONWARNINGS": "ignore"}
    return {**os.environ, **quiet, "OMP_NUM_THREADS": str(threads)}


if __name__ == "__main__":
    sys.exit(main())
