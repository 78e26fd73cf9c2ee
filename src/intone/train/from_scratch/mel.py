"""Log-mel features at 100 Hz: what stage 1 of the codec predicts, and what its encoder reads."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from intone.core.constants import SAMPLE_RATE_HZ

_FLOOR = 1e-4


class LogMel(nn.Module):
    """log(max(mel, 1e-4)) of the magnitude spectrum, Hann window, HTK mel scale."""

    filters: Tensor
    window: Tensor

    def __init__(self, n_fft: int = 1024, hop: int = 240, num_bins: int = 80) -> None:
        super().__init__()
        self.n_fft, self.hop = n_fft, hop
        self.register_buffer("window", torch.hann_window(n_fft), persistent=False)
        self.register_buffer("filters", mel_filters(n_fft, num_bins), persistent=False)

    def magnitude(self, samples: Tensor) -> Tensor:
        """[B, S] -> [B, n_fft / 2 + 1, S / hop]; column j is centred on sample (j + 0.5) hop."""
        edge = (self.n_fft - self.hop) // 2
        x = F.pad(samples, (edge, self.n_fft - self.hop - edge))
        spectrum = torch.stft(
            x, self.n_fft, self.hop, window=self.window, center=False, return_complex=True
        )
        return (spectrum.real.square() + spectrum.imag.square() + 1e-9).sqrt()

    def forward(self, samples: Tensor) -> Tensor:
        """[B, S] -> [B, bins, S / hop]."""
        return (self.filters @ self.magnitude(samples)).clamp(min=_FLOOR).log()


def mel_filters(n_fft: int, num_bins: int, top_hz: float = SAMPLE_RATE_HZ / 2) -> Tensor:
    """Returns triangular filters, [bins, n_fft / 2 + 1], each summing to about one."""
    top = 2595.0 * math.log10(1.0 + top_hz / 700.0)
    mels = torch.linspace(0.0, top, num_bins + 2)
    edges = 700.0 * (10.0 ** (mels / 2595.0) - 1.0)
    hz = torch.linspace(0.0, SAMPLE_RATE_HZ / 2, n_fft // 2 + 1)
    rising = (hz - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - hz) / (edges[2:] - edges[1:-1])[:, None]
    filters = torch.minimum(rising, falling).clamp(min=0.0)
    return filters / filters.sum(dim=1, keepdim=True).clamp(min=1e-3)
