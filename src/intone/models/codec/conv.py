"""Causal convolutions, whole or in chunks.

Both take an optional `history`: without it the signal starts here (zeros before it); with it the
input continues what came before, and `history`, of constant size, is brought up to date in place.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Causal(nn.Module):
    """A layer that can continue a signal from a `history` of constant size."""

    def new_history(self, batch: int, like: Tensor) -> Tensor:
        """Returns what precedes a signal, typed and placed as `like`; batch comes first."""
        raise NotImplementedError

    def forward(self, x: Tensor, history: Tensor | None = None) -> Tensor:
        """[B, C, T] -> [B, C', T']; brings `history` up to date in place."""
        raise NotImplementedError


class CausalConv1d(Causal):
    """A convolution that sees the past only; with a stride, the end is padded to a full step."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        stride: int = 1,
        dilation: int = 1,
        groups: int = 1,
        bias: bool = True,
        pad_mode: Literal["constant", "replicate"] = "constant",
    ) -> None:
        super().__init__()
        self.conv = nn.Conv1d(
            in_channels, out_channels, kernel_size, stride, 0, dilation, groups, bias
        )
        self.pad_mode = pad_mode
        self.stride = stride
        self.num_past = (kernel_size - 1) * dilation + 1 - stride
        """Input steps before the current one that an output step depends on."""

    def new_history(self, batch: int, like: Tensor) -> Tensor:
        """Returns zeros, [B, C, num_past]."""
        return like.new_zeros(batch, self.conv.in_channels, self.num_past)

    def forward(self, x: Tensor, history: Tensor | None = None) -> Tensor:
        """[B, C, T] -> [B, C', ceil(T / stride)]; streaming is for stride 1."""
        if history is None:
            missing = -x.shape[-1] % self.stride
            if self.num_past or missing:
                x = F.pad(x, (self.num_past, missing), mode=self.pad_mode)
        elif self.num_past:
            x = torch.cat((history, x), dim=-1)
            history.copy_(x[..., -self.num_past :])
        return self.conv(x)


class CausalConvTranspose1d(Causal):
    """An upsampling by `stride` whose kernel's overlap falls on later samples only."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, stride: int) -> None:
        super().__init__()
        self.conv = nn.ConvTranspose1d(in_channels, out_channels, kernel_size, stride)
        self.stride = stride
        self.num_overlap = kernel_size - stride
        """Output samples that a chunk still owes to the next one."""

    @property
    def bias(self) -> Tensor:
        bias = self.conv.bias
        assert bias is not None
        return bias

    def new_history(self, batch: int, like: Tensor) -> Tensor:
        """Returns nothing owed, [B, C', num_overlap]."""
        return like.new_zeros(batch, self.conv.out_channels, self.num_overlap)

    def forward(self, x: Tensor, history: Tensor | None = None) -> Tensor:
        """[B, C, T] -> [B, C', T * stride]."""
        num_samples = x.shape[-1] * self.stride
        y = self.conv(x)
        if history is not None and self.num_overlap:
            y[..., : self.num_overlap] += history
            # What is owed carries no bias: the next chunk's own output brings it.
            history.copy_(y[..., num_samples:]).sub_(self.bias[:, None])
        return y[..., :num_samples]
