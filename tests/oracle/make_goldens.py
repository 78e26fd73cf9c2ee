"""Writes tests/golden/ from live runs of the public package.

    INTONE_ORACLE_PYTHON=.venv-oracle/bin/python python -m tests.oracle.make_goldens

Run from the root of the repository, after a change of `cases.py` or of the random checkpoints.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from tests.oracle.cases import KINDS, jobs_of
from tests.oracle.peer import Results, oracle_python, run_upstream

from intone.models.random_checkpoint import write_random_checkpoint

GOLDEN_DIR = Path(__file__).parents[1] / "golden"

TALKER_LOGITS_STEP = 6
"""Every so many rows of talker logits are kept; they are large."""
PREDICTOR_LOGITS_STEP = 6
NUM_SAMPLES = 6 * 1920
"""Kept of the one take whose audio is compared."""
TAKE_WITH_SAMPLES = "custom_at_once"


def golden_path(kind: str) -> Path:
    """Returns the golden file of one kind of checkpoint."""
    return GOLDEN_DIR / f"upstream_{kind}.safetensors"


def compact(results: Results) -> Results:
    """Returns what is kept of live results: codes as int16, logits and audio thinned."""
    kept: Results = {}
    for name, value in results.items():
        case, quantity = name.split("/")
        if quantity == "samples" and case != TAKE_WITH_SAMPLES:
            continue
        if quantity == "samples":
            value = value[:NUM_SAMPLES]
        elif quantity == "talker_logits":
            value = value[::TALKER_LOGITS_STEP]
        elif quantity == "predictor_logits":
            value = value[::PREDICTOR_LOGITS_STEP]
        elif quantity == "codes":
            value = value.astype(np.int16)
        kept[name] = np.ascontiguousarray(value)
    return kept


def main() -> None:
    python = oracle_python()
    if python is None:
        raise SystemExit("INTONE_ORACLE_PYTHON must name a Python that has qwen-tts 0.1.1")
    GOLDEN_DIR.mkdir(exist_ok=True)
    for kind in KINDS:
        with tempfile.TemporaryDirectory() as directory:
            checkpoint = write_random_checkpoint(Path(directory) / kind, kind=kind, size="tiny")
            results = compact(run_upstream(python, checkpoint, jobs_of(kind)))
        save_file(results, golden_path(kind))
        print(f"{golden_path(kind).name}: {len(results)} tensors")


if __name__ == "__main__":
    main()
