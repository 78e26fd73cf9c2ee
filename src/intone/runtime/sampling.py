"""From logits to one id per row, every row with its own settings.

The order of the steps is that of transformers 4.57 as upstream calls it: repetition penalty, banned
ids, temperature, top-k, top-p. The draw is by inverse distribution function with one uniform number
per row, so a row's id depends on its logits and its number alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from intone.core.types import SamplingParams

_BANNED = float("-inf")


@dataclass(frozen=True, slots=True)
class SamplingBatch:
    """Settings of N rows as tensors [N, 1]; made when the set of rows changes, not per draw."""

    temperature: Tensor
    top_k: Tensor
    """0 keeps all."""
    top_p: Tensor
    repetition_penalty: Tensor
    greedy: Tensor
    max_top_k: int
    """Largest k in use; 0 when some row keeps all, or none cuts."""
    any_top_p: bool
    any_penalty: bool
    all_greedy: bool

    @classmethod
    def of(cls, rows: Sequence[SamplingParams], device: torch.device) -> SamplingBatch:
        """Returns the settings of `rows`, in order."""

        def column(values: list[float], dtype: torch.dtype = torch.float32) -> Tensor:
            return torch.tensor(values, dtype=dtype, device=device)[:, None]

        return cls(
            temperature=column([row.temperature for row in rows]),
            top_k=column([row.top_k for row in rows], torch.int64),
            top_p=column([row.top_p for row in rows]),
            repetition_penalty=column([row.repetition_penalty for row in rows]),
            greedy=column([row.greedy for row in rows], torch.bool),
            max_top_k=max(row.top_k for row in rows),
            any_top_p=any(row.top_p < 1.0 for row in rows),
            any_penalty=any(row.repetition_penalty != 1.0 for row in rows),
            all_greedy=all(row.greedy for row in rows),
        )


def penalise(logits: Tensor, seen: Tensor, batch: SamplingBatch) -> Tensor:
    """Returns logits [N, V] with ids that `seen` [N, V] marks made less likely."""
    if not batch.any_penalty:
        return logits
    scaled = torch.where(
        logits < 0, logits * batch.repetition_penalty, logits / batch.repetition_penalty
    )
    return torch.where(seen, scaled, logits)


def distribution(logits: Tensor, batch: SamplingBatch) -> Tensor:
    """Returns the probabilities [N, V] that are drawn from, after temperature, top-k and top-p."""
    logits = _cut_top_k(logits / batch.temperature, batch)
    if batch.any_top_p:
        logits = _cut_top_p(logits, batch)
    return logits.softmax(dim=-1)


def _cut_top_k(logits: Tensor, batch: SamplingBatch) -> Tensor:
    """Bans what is below the k-th best; ties with it stay, as upstream has it."""
    k = min(batch.max_top_k, logits.shape[-1])
    if k == 0:
        return logits
    best = logits.topk(k, dim=-1).values
    rank = batch.top_k.clamp(min=1, max=k) - 1
    keep = (logits >= best.gather(1, rank)) | (batch.top_k == 0)
    return logits.masked_fill(~keep, _BANNED)


def _cut_top_p(logits: Tensor, batch: SamplingBatch) -> Tensor:
    """Bans the least likely ids whose summed probability stays within 1 - p."""
    ordered, order = logits.sort(dim=-1, stable=True)
    drop = ordered.softmax(dim=-1).cumsum(dim=-1) <= 1.0 - batch.top_p
    drop[:, -1] = False
    drop &= batch.top_p < 1.0
    return logits.masked_fill(drop.scatter(1, order, drop), _BANNED)


def draw(logits: Tensor, batch: SamplingBatch, uniforms: Tensor) -> Tensor:
    """Returns one id per row, int64 [N].

    Args:
        logits: [N, V], penalised and banned already.
        uniforms: [N], float64 in [0, 1).
    """
    logits = logits.float()
    best = logits.argmax(dim=-1)
    if batch.all_greedy:
        return best
    cumulative = distribution(logits, batch).double().cumsum(dim=-1)
    target = uniforms[:, None] * cumulative[:, -1:]
    sampled = torch.searchsorted(cumulative, target, right=True).squeeze(1)
    return torch.where(batch.greedy.squeeze(1), best, sampled)
