"""From logits to one id per row without a branch: every row may have settings of its own.

The ids are those of `runtime/sampling.py`, which looks at the settings and skips what none needs;
here one ascending sort serves top-k and top-p. A number that is not finite can give a wrong id but
never one outside the vocabulary: on a GPU that would end the process.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

NUM_SETTINGS = 5

_BANNED = float("-inf")


@dataclass(frozen=True, slots=True)
class SamplingRows:
    """Settings of B rows, [B, 1] each."""

    temperature: Tensor
    top_k: Tensor
    """As float32; 0 keeps all."""
    top_p: Tensor
    repetition_penalty: Tensor
    greedy: Tensor
    """bool"""

    @classmethod
    def of(cls, settings: Tensor) -> SamplingRows:
        """Returns the settings in rows [B, 5] of `prompt_rows.settings_row`."""
        temperature, top_k, top_p, penalty, greedy = settings.split(1, dim=1)
        return cls(temperature, top_k, top_p, penalty, greedy > 0.5)


def penalise(logits: Tensor, seen: Tensor, rows: SamplingRows) -> Tensor:
    """Returns logits [B, V] with ids that `seen` [B, V] marks made less likely."""
    penalty = rows.repetition_penalty
    scaled = torch.where(logits < 0, logits * penalty, logits / penalty)
    return torch.where(seen, scaled, logits)


def draw(logits: Tensor, rows: SamplingRows, uniforms: Tensor) -> Tensor:
    """Returns one id per row, int64 [B].

    Args:
        logits: [B, V], penalised and banned already.
        uniforms: [B], float64 in [0, 1).
    """
    logits = logits.float()
    best = logits.argmax(dim=-1)
    cumulative = _distribution(logits, rows).double().cumsum(dim=-1)
    target = uniforms[:, None] * cumulative[:, -1:]
    # The last id is what is left, so that no number leads beyond it.
    sampled = (cumulative[:, :-1] <= target).sum(dim=-1)
    return torch.where(rows.greedy[:, 0], best, sampled)


def _distribution(logits: Tensor, rows: SamplingRows) -> Tensor:
    """Returns the probabilities [B, V] that are drawn from."""
    logits = logits / rows.temperature
    ordered, order = logits.sort(dim=-1)
    floor = _top_k_floor(ordered, rows)
    drop = _below_top_p(ordered.masked_fill(ordered < floor, _BANNED), rows)
    drop = torch.zeros_like(drop).scatter(1, order, drop) | (logits < floor)
    return logits.masked_fill(drop, _BANNED).softmax(dim=-1)


def _top_k_floor(ordered: Tensor, rows: SamplingRows) -> Tensor:
    """Returns the k-th best, [B, 1]; ties with it stay, as upstream has it."""
    size = ordered.shape[-1]
    last = (size - rows.top_k).clamp(min=0, max=size - 1).long()
    return ordered.gather(1, last).masked_fill(rows.top_k == 0, _BANNED)


def _below_top_p(ordered: Tensor, rows: SamplingRows) -> Tensor:
    """Marks the least likely whose summed probability stays within 1 - p, [B, V], ascending."""
    drop = ordered.softmax(dim=-1).cumsum(dim=-1) <= 1.0 - rows.top_p
    is_last = torch.arange(ordered.shape[-1], device=ordered.device) == ordered.shape[-1] - 1
    return drop & ~is_last & (rows.top_p < 1.0)
