"""How fast a device copies and multiplies: what its floors are divided by."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from intone.bench.gpu.timing import ms_per_call

_GPU_COPY_BYTES = 1 << 30
"""Far more than a GPU's cache holds (an H100's: 50 MB)."""
_CPU_COPY_BYTES = 64 << 20
_GPU_MATRIX, _CPU_MATRIX = 8192, 512


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRates:
    """Measured here, now; nothing is looked up."""

    copy_gb_s: float
    """Bytes read and written by a copy from memory to memory, 10**9 per second."""
    multiply_tflop_s: float
    """Products of matrices in `dtype`; a multiplication and an addition are two."""
    codec_tflop_s: float
    """The same in fp32, in which the codec computes."""
    dtype: str
    """Of the weights of talker and code predictor."""

    @classmethod
    def measured(cls, device: torch.device, dtype: torch.dtype) -> DeviceRates:
        """Takes a second on a GPU, and about as long on a CPU, with smaller arrays."""
        return cls(
            copy_gb_s=_copy_gb_s(device),
            multiply_tflop_s=_multiply_tflop_s(device, dtype),
            codec_tflop_s=_multiply_tflop_s(device, torch.float32),
            dtype=str(dtype).removeprefix("torch."),
        )


def _copy_gb_s(device: torch.device) -> float:
    num_bytes = _GPU_COPY_BYTES if device.type == "cuda" else _CPU_COPY_BYTES
    source = torch.ones(num_bytes, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    ms = ms_per_call(lambda: target.copy_(source), device, calls=10, rounds=5)
    return 2 * num_bytes / ms / 1e6


def _multiply_tflop_s(device: torch.device, dtype: torch.dtype) -> float:
    size = _GPU_MATRIX if device.type == "cuda" else _CPU_MATRIX
    left = torch.full((size, size), 0.01, dtype=dtype, device=device)
    out = torch.empty_like(left)
    ms = ms_per_call(lambda: torch.mm(left, left, out=out), device, calls=5, rounds=3)
    return 2 * size**3 / ms / 1e9
