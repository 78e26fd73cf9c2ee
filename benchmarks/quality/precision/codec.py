"""How far the codec's graph is from torch's fp32 decoder, in the audio itself."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from benchmarks.quality.precision.histories import FP32

from intone.core.types import Codes, Samples
from intone.models.checkpoint import Checkpoint
from intone.models.description import ModelDescription
from intone.runtime.cpu.built import HISTORIES
from intone.runtime.cpu.codec import CpuDecoder
from intone.runtime.stage_times import StageTimes
from intone.runtime.torch_codec import TorchDecoder


def signal_to_noise_db(reference: Samples, other: Samples) -> float:
    """Returns the level of `reference` over that of the difference; inf where there is none."""
    signal, noise = reference.astype(np.float64), other.astype(np.float64) - reference
    power = float(np.square(noise).sum())
    return 10 * float(np.log10(np.square(signal).sum() / power)) if power else float("inf")


def open_decoder(description: ModelDescription, graphs: Path, num_threads: int) -> CpuDecoder:
    """Returns the built graph as a decoder."""
    shapes = json.loads((graphs / HISTORIES).read_text(encoding="utf-8"))
    return CpuDecoder(
        graphs / "codec.onnx",
        description.codec.decoder,
        [(steps, channels) for steps, channels in shapes],
        num_threads,
        StageTimes(),
    )


def codec_figures(
    description: ModelDescription,
    graphs: Path,
    takes: Sequence[Codes],
    *,
    chunk_frames: int,
    num_threads: int,
) -> dict[str, object]:
    """Returns signal-to-noise ratios of takes [F, K], decoded in chunks by the graph."""
    plain = TorchDecoder(Checkpoint(description.directory).load_codec_decoder(FP32.device))
    ours = open_decoder(description, graphs, num_threads)
    ratios_db, worst = [], 0.0
    for codes in takes:
        (reference,) = plain.decode([plain.open(None)], [codes])
        stream = ours.open(None)
        parts = [
            ours.decode([stream], [codes[i : i + chunk_frames]])[0]
            for i in range(0, len(codes), chunk_frames)
        ]
        other = np.concatenate(parts)
        ratios_db.append(signal_to_noise_db(reference, other))
        worst = max(worst, float(np.abs(other - reference).max()))
    return {
        "takes": len(takes),
        "chunk_frames": chunk_frames,
        "snr_db_mean": round(float(np.mean(ratios_db)), 1),
        "snr_db_lowest": round(min(ratios_db), 1),
        "largest_difference": float(f"{worst:.2g}"),
    }
