"""Attention that can be looked at: one head of chosen layers is told where the words are.

Everything else runs as in inference; the guided heads' probabilities are computed once more, beside
the result, and only a loss is made of them.
"""

from __future__ import annotations

import torch
from torch import Tensor


class PlainAttention:
    """Causal attention as two products: on a CPU its backward pass is far quicker than fused."""

    def __call__(self, layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return plain_attention(q, k, v)


def plain_attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Returns [B, T, N * D] from q, k, v [B, T, N, D]."""
    q, k, v = (x.transpose(1, 2) for x in (q, k, v))
    scores = (q @ k.transpose(2, 3)) * q.shape[-1] ** -0.5
    out = (scores + _future(q.shape[2], scores.dtype)).softmax(dim=-1) @ v
    merged: Tensor = out.transpose(1, 2).flatten(2)
    return merged


def _future(length: int, dtype: torch.dtype) -> Tensor:
    """Returns [T, T]: very negative where a row would see a later one."""
    return torch.full((length, length), -1e9, dtype=dtype).triu(1)


class GuidedAttention:
    """Causal attention that collects -log of the mass on the allowed rows, head 0 of each layer."""

    def __init__(self, layers: frozenset[int], allowed: Tensor, asked: Tensor) -> None:
        """Binds one batch.

        Args:
            layers: layers whose head 0 is guided.
            allowed: bool [B, T, T], rows that a predicting row should look at.
            asked: bool [B, T], rows with at least one allowed row at or before them.
        """
        self.losses: list[Tensor] = []
        self._layers, self._allowed, self._asked = layers, allowed, asked

    def __call__(self, layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        if layer in self._layers:
            self.losses.append(self._loss(q[:, :, 0], k[:, :, 0]))
        return plain_attention(q, k, v)

    def _loss(self, q: Tensor, k: Tensor) -> Tensor:
        """q, k [B, T, D] of one head -> scalar."""
        scores = (q @ k.transpose(1, 2)).float() * q.shape[-1] ** -0.5
        scores = scores + _future(scores.shape[-1], scores.dtype)
        inside = scores.masked_fill(~self._allowed, -1e9).logsumexp(dim=-1)
        missing = scores.logsumexp(dim=-1) - inside
        loss: Tensor = missing[self._asked].mean()
        return loss
