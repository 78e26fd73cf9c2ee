"""Causal convolutions, whole or in chunks.

All take an optional `history`: without it the signal starts here (zeros before it); with it the
input continues what came before, and `history`, of constant size, is brought up to date in place.

On CPU both run as plain matrix products, one per tap, which read the weight in a layout of their
own: `pack` lays it out so once, for inference. A weight's name, shape and values never change.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Causal(nn.Module, ABC):
    """A layer that can continue a signal from a `history` of constant size."""

    @abstractmethod
    def new_history(self, batch: int, like: Tensor) -> Tensor:
        """Returns what precedes a signal, typed and placed as `like`; batch comes first."""

    @abstractmethod
    def forward(self, x: Tensor, history: Tensor | None = None) -> Tensor:
        """[B, C, T] -> [B, C', T']; brings `history` up to date in place."""


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
        self.dilation = dilation
        self.num_past = (kernel_size - 1) * dilation + 1 - stride
        """Input steps before the current one that an output step depends on."""
        self.is_packed = False

    def new_history(self, batch: int, like: Tensor) -> Tensor:
        """Returns zeros, [B, C, num_past]."""
        return like.new_zeros(batch, self.conv.in_channels, self.num_past)

    def pack(self) -> None:
        """Lays the weight out by tap, where that is faster: dense convolutions on CPU."""
        weight = self.conv.weight
        if weight.is_cpu and self.stride == self.conv.groups == 1:
            weight.data = weight.data.permute(2, 0, 1).contiguous().permute(1, 2, 0)
            self.is_packed = True

    def forward(self, x: Tensor, history: Tensor | None = None) -> Tensor:
        """[B, C, T] -> [B, C', ceil(T / stride)]; streaming is for stride 1."""
        if history is None:
            missing = -x.shape[-1] % self.stride
            if self.num_past or missing:
                x = F.pad(x, (self.num_past, missing), mode=self.pad_mode)
        elif self.num_past:
            x = torch.cat((history, x), dim=-1)
            history.copy_(x[..., -self.num_past :])
        return self._by_tap(x) if self.is_packed else self.conv(x)

    def _by_tap(self, x: Tensor) -> Tensor:
        """Sums one matrix product per tap: what `self.conv` computes."""
        taps = self.conv.weight.permute(2, 0, 1)[:, None].expand(-1, x.shape[0], -1, -1)
        num_steps = x.shape[-1] - self.num_past
        y: Tensor | None = None
        for i, tap in enumerate(taps):
            part = x[..., i * self.dilation : i * self.dilation + num_steps]
            if y is not None:
                y.baddbmm_(tap, part)
            elif self.conv.bias is None:
                y = torch.bmm(tap, part)
            else:
                y = torch.baddbmm(self.conv.bias[:, None], tap, part)
        assert y is not None
        return y


class CausalConvTranspose1d(Causal):
    """An upsampling by `stride`; a kernel of twice the stride also reaches into the next step."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, stride: int) -> None:
        super().__init__()
        assert kernel_size in (stride, 2 * stride)
        self.conv = nn.ConvTranspose1d(in_channels, out_channels, kernel_size, stride)
        self.stride = stride
        self.num_owed = kernel_size - stride
        """Output samples of every step that come out with the next one."""

    def new_history(self, batch: int, like: Tensor) -> Tensor:
        """Returns nothing owed, [B, C', num_owed]."""
        return like.new_zeros(batch, self.conv.out_channels, self.num_owed)

    def pack(self) -> None:
        """Lays the weight out as the matrix that `forward` multiplies by."""
        weight = self.conv.weight
        weight.data = weight.data.permute(1, 2, 0).contiguous().permute(2, 0, 1)

    def forward(self, x: Tensor, history: Tensor | None = None) -> Tensor:
        """[B, C, T] -> [B, C', T * stride]."""
        weight, bias = self.conv.weight, self.conv.bias
        assert bias is not None
        # As a batch of matrices: folding the batch into rows, as `@` may, is up to 6 times slower.
        matrix = weight.permute(1, 2, 0).flatten(0, 1).expand(x.shape[0], -1, -1)
        parts = torch.bmm(matrix, x).unflatten(1, weight.shape[1:]).transpose(2, 3)
        y = parts.new_empty((*parts.shape[:3], self.stride))  # parts: [B, C', T, kernel]
        y.copy_(parts[..., : self.stride]).add_(bias[:, None, None])
        if self.num_owed:
            owed = parts[..., self.stride :]
            y[:, :, 1:] += owed[:, :, :-1]
            if history is not None:
                y[:, :, 0] += history
                history.copy_(owed[:, :, -1])
        return y.flatten(2)
