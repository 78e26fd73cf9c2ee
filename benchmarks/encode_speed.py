"""What encoding costs: processor seconds per second of audio, clip by clip and in batches.

    python -m benchmarks.encode_speed --model DIR --json OUT

DIR is a checkpoint, as `intone models random --size 0.6b --kind base --out DIR` writes it. One
thread, processor time of the fastest of three: a busy machine falsifies it less than wall time.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import date
from pathlib import Path

import numpy as np
import torch

from intone.bench.machine import Machine
from intone.core.constants import SAMPLE_RATE_HZ
from intone.core.types import Samples
from intone.models.checkpoint import Checkpoint
from intone.voices.encoders import codes_of, x_vector_of

CASES = ((2.0, 1), (2.0, 8), (5.0, 1), (5.0, 4), (10.0, 1), (10.0, 4))
"""Seconds of a clip, clips in a batch."""

_REPEATS = 3


def clip_of(length_s: float, seed: int) -> Samples:
    """Returns noise; the encoders' work does not depend on the values."""
    noise = np.random.default_rng(seed).standard_normal(round(length_s * SAMPLE_RATE_HZ))
    return (0.1 * noise).astype(np.float32)


def processor_s(work: Callable[[], object]) -> float:
    """Returns the processor time of the fastest run; one before them warms up."""
    work()
    taken = []
    for _ in range(_REPEATS):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return min(taken)


def measure(model: Path) -> list[dict[str, float]]:
    """Returns one row per case."""
    device = torch.device("cpu")
    codec = Checkpoint(model).load_codec_encoder(device)
    speaker = Checkpoint(model).load_speaker_encoder(device)
    rows = []
    for length_s, num_clips in CASES:
        clips = [clip_of(length_s, seed) for seed in range(num_clips)]
        codes_s = processor_s(lambda clips=clips: codes_of(codec, clips, device))
        row = {
            "clip_s": length_s,
            "clips": num_clips,
            "codec_s_per_audio_s": round(codes_s / length_s / num_clips, 4),
        }
        if num_clips == 1:
            vector_s = processor_s(lambda clips=clips: x_vector_of(speaker, clips[0], device))
            row["x_vector_s_per_audio_s"] = round(vector_s / length_s, 4)
        rows.append(row)
        print(row, flush=True)
    return rows


def main() -> None:
    """Measures and writes."""
    parser = argparse.ArgumentParser(description="Measure what encoding costs on one core.")
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--json", type=Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    machine = asdict(Machine.here())
    result = {
        "date": date.today().isoformat(),
        "machine": machine,
        "torch": torch.__version__,
        "threads": 1,
        "rows": measure(args.model),
    }
    args.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
