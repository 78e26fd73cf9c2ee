"""Log-mel spectrograms for the speaker encoder, equal to upstream's without librosa.

The filterbank is Slaney's (Auditory Toolbox, 1998): linear below 1 kHz, logarithmic above, every
triangle of unit area.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from intone.core.constants import SAMPLE_RATE_HZ

NUM_MELS = 128
FFT_SAMPLES = 1024
HOP_SAMPLES = 256
_PADDING = (FFT_SAMPLES - HOP_SAMPLES) // 2
_POWER_FLOOR = 1e-9
_MEL_FLOOR = 1e-5

_LINEAR_HZ_PER_MEL = 200.0 / 3.0
_BREAK_HZ = 1000.0
_BREAK_MEL = _BREAK_HZ / _LINEAR_HZ_PER_MEL
_LOG_STEP = np.log(6.4) / 27.0


def log_mel(samples: Tensor, num_mels: int = NUM_MELS) -> Tensor:
    """Returns the natural log of the mel magnitudes from 0 to 12 kHz.

    Args:
        samples: [B, S] at 24 kHz, S > 384, in [-1, 1].
        num_mels: bands; upstream's number unless a checkpoint says otherwise.

    Returns:
        [B, S // 256, num_mels].
    """
    padded = F.pad(samples[:, None], (_PADDING, _PADDING), mode="reflect")[:, 0]
    window = torch.hann_window(FFT_SAMPLES, dtype=samples.dtype, device=samples.device)
    spectrum = torch.stft(
        padded, FFT_SAMPLES, HOP_SAMPLES, window=window, center=False, return_complex=True
    )
    magnitude = torch.sqrt(torch.view_as_real(spectrum).square().sum(dim=-1) + _POWER_FLOOR)
    bank = torch.from_numpy(mel_filterbank(num_mels)).to(magnitude)
    return torch.log((bank @ magnitude).clamp(min=_MEL_FLOOR)).transpose(1, 2)


@lru_cache(maxsize=4)
def mel_filterbank(num_mels: int = NUM_MELS) -> NDArray[np.float32]:
    """Returns the weights of the FFT's bins in every band, [num_mels, 513]."""
    top_hz = SAMPLE_RATE_HZ / 2
    edges = _mel_to_hz(np.linspace(0.0, _hz_to_mel(top_hz), num_mels + 2))
    bins = np.linspace(0.0, top_hz, FFT_SAMPLES // 2 + 1)
    widths = np.diff(edges)[:, None]
    rising = (bins - edges[:-2, None]) / widths[:-1]
    falling = (edges[2:, None] - bins) / widths[1:]
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    area = 2.0 / (edges[2:] - edges[:-2])
    return (triangles * area[:, None]).astype(np.float32)


def _hz_to_mel(hz: float) -> float:
    if hz < _BREAK_HZ:
        return hz / _LINEAR_HZ_PER_MEL
    return float(_BREAK_MEL + np.log(hz / _BREAK_HZ) / _LOG_STEP)


def _mel_to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    linear = mel * _LINEAR_HZ_PER_MEL
    return np.where(mel < _BREAK_MEL, linear, _BREAK_HZ * np.exp((mel - _BREAK_MEL) * _LOG_STEP))
