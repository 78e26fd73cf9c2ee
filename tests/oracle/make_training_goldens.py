"""Writes the losses of `training_cases.py` into tests/golden/, from runs of the public package.

    INTONE_ORACLE_PYTHON=.venv-oracle/bin/python python -m tests.oracle.make_training_goldens

Run from the root of the repository, after a change of the cases or of the random checkpoints.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from safetensors.numpy import save_file
from tests.oracle.make_goldens import GOLDEN_DIR
from tests.oracle.peer import Results, oracle_python, run_upstream
from tests.oracle.training_cases import TRAINING_KINDS, training_jobs_of

from intone.models.random_checkpoint import write_random_checkpoint

KEPT = ("talker_ce", "predictor_ce")
"""What our trainer must compute; what the public script computes instead is no golden."""


def training_golden_path(kind: str) -> Path:
    """Returns the golden file of one kind of checkpoint."""
    return GOLDEN_DIR / f"upstream_training_{kind}.safetensors"


def kept(results: Results) -> Results:
    """Returns the losses by frame and codebook."""
    return {name: value for name, value in results.items() if name.endswith(KEPT)}


def main() -> None:
    python = oracle_python()
    if python is None:
        raise SystemExit("INTONE_ORACLE_PYTHON must name a Python that has qwen-tts 0.1.1")
    for kind in TRAINING_KINDS:
        with tempfile.TemporaryDirectory() as directory:
            checkpoint = write_random_checkpoint(Path(directory) / kind, kind=kind, size="tiny")
            results = kept(run_upstream(python, checkpoint, training_jobs_of(kind)))
        save_file(results, training_golden_path(kind))
        print(f"{training_golden_path(kind).name}: {len(results)} tensors")


if __name__ == "__main__":
    main()
