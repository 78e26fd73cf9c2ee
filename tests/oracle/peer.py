"""Starts `upstream.py` in the environment of the public package and reads its results."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

Results = dict[str, np.ndarray]

SCRIPT = Path(__file__).with_name("upstream.py")
ENVIRONMENT_VARIABLE = "INTONE_ORACLE_PYTHON"


def oracle_python() -> Path | None:
    """Returns the interpreter that has qwen-tts installed, if one was named."""
    named = os.environ.get(ENVIRONMENT_VARIABLE)
    return Path(named) if named else None


def run_upstream(python: Path, checkpoint: Path, cases: list[dict[str, Any]]) -> Results:
    """Returns what the public package computes for `cases`, tensors by "case/quantity".

    Raises:
        subprocess.CalledProcessError: it failed; its own trace has been printed.
    """
    job = {"checkpoint": str(checkpoint), "threads": 1, "cases": cases}
    with tempfile.TemporaryDirectory() as directory:
        job_path, out_path = Path(directory) / "job.json", Path(directory) / "out.safetensors"
        job_path.write_text(json.dumps(job), encoding="utf-8")
        command = [str(python), str(SCRIPT), str(job_path), str(out_path)]
        subprocess.run(command, check=True, env=_environment())
        return load_file(out_path)


def _environment() -> dict[str, str]:
    quiet = {
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_VERBOSITY": "error",
        "PYTHONWARNINGS": "ignore",
        "TOKENIZERS_PARALLELISM": "false",
    }
    return {**os.environ, **quiet}
