"""The side of faster-qwen3-tts, run by the Python that has it installed.

The protocol is that of `worker.py`. This file must not import intone: the other environment need
not have it. Written against faster-qwen3-tts 0.5.4: streaming is its generator, the end token is
banned by `min_new_tokens`, and its graphs are captured by the first take, which warms up.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module
from importlib.metadata import version
from time import perf_counter
from typing import Any

DTYPES = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}
MAX_POSITIONS = 2048
"""Of its static cache: its own default."""


def run_take(tts: Any, job: dict[str, Any]) -> dict[str, float]:
    """Makes one streamed take and returns its figures."""
    started = perf_counter()
    ttfa_s, num_samples, sample_rate_hz = None, 0, 24_000
    for samples, rate_hz, _ in tts.generate_custom_voice_streaming(
        text=job["text"],
        speaker=next(iter(tts.model.get_supported_speakers())),
        language="Auto",
        max_new_tokens=job["num_frames"],
        min_new_tokens=job["num_frames"],
        chunk_size=job["chunk_frames"],
    ):
        ttfa_s = perf_counter() - started if ttfa_s is None else ttfa_s
        num_samples, sample_rate_hz = num_samples + len(samples), rate_hz
    return {
        "wall_s": perf_counter() - started,
        "ttfa_s": ttfa_s if ttfa_s is not None else float("nan"),
        "audio_s": num_samples / sample_rate_hz,
    }


def load(job: dict[str, Any]) -> Any:
    """Returns the model, in the job's precision."""
    import torch

    package = import_module("faster_qwen3_tts")
    return package.FasterQwen3TTS.from_pretrained(
        job["model"],
        device=job["device"],
        dtype=getattr(torch, DTYPES[job["dtype"]]),
        max_seq_len=MAX_POSITIONS,
        local_files_only=True,
    )


def main(job_line: str) -> None:
    """Serves takes until standard input ends."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def write(figures: dict[str, Any]) -> None:
        out.write(json.dumps(figures) + "\n")
        out.flush()

    job = json.loads(job_line)
    tts = load(job)
    names = ("faster-qwen3-tts", "transformers", "torch")
    write({"versions": {name: version(name) for name in names}})
    for _ in sys.stdin:
        write(run_take(tts, job))


if __name__ == "__main__":
    main(sys.argv[1])
