"""SnakeBeta, a periodic activation with learnt frequency and height (arXiv 2006.08195)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

_EPS = 1e-9


class SnakeBeta(nn.Module):
    """x + sin(x e^alpha)^2 / (e^beta + 1e-9), one alpha and beta per channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.zeros(channels))
        self.beta = nn.Parameter(torch.zeros(channels))
        self._folded: tuple[Tensor, Tensor] | None = None

    @torch.no_grad()
    def fold(self) -> None:
        """Keeps frequency and height as they are used, for inference with these weights."""
        self._folded = _factors(self.alpha, self.beta)

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, T] -> [B, C, T]."""
        if self._folded is not None:
            return _snake(x, *self._folded)
        return _Snake.apply(x, self.alpha, self.beta)


def _factors(alpha: Tensor, beta: Tensor) -> tuple[Tensor, Tensor]:
    """Returns frequency and height of every channel, [C, 1] each."""
    return alpha.exp()[:, None], 1.0 / (beta.exp()[:, None] + _EPS)


def _snake(x: Tensor, frequency: Tensor, height: Tensor) -> Tensor:
    return (x * frequency).sin_().square_().mul_(height).add_(x)


class _Snake(torch.autograd.Function):
    """Keeps only `x` for the backward pass: plain autograd would keep four tensors of its size."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, alpha: Tensor, beta: Tensor) -> Tensor:
        ctx.save_for_backward(x, alpha, beta)
        return _snake(x, *_factors(alpha, beta))

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        (grad,) = grads
        x, alpha, beta = ctx.saved_tensors
        frequency, scale = alpha.exp()[:, None], beta.exp()[:, None]
        height = 1.0 / (scale + _EPS)
        phase = x * frequency
        # d sin(u)^2 / du = sin(2u)
        slope = (2.0 * phase).sin_().mul_(height)
        grad_x = torch.addcmul(grad, grad, slope * frequency)
        grad_alpha = (grad * slope).mul_(phase).sum(dim=(0, 2))
        grad_beta = -(grad * phase.sin_().square_()).sum(dim=(0, 2)) * (height**2 * scale)[:, 0]
        return grad_x, grad_alpha, grad_beta
