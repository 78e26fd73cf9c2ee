"""From logits to one id per row without a branch: every row may have settings of its own.

The ids are those of `runtime/sampling.py`, which looks at the settings and skips what none needs;
here one ascending sort serves top-k and top-p. A number that is not finite can give a wrong id but
never one outside the vocabulary: on a GPU that would end the process.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor

NUM_SETTINGS = 5

_log = logging.getLogger("intone")

_BANNED = float("-inf")


@dataclass(frozen=True, slots=True)
class SamplingRows:
    """Settings of B rows, in the form that a draw wants; the same for every draw of a frame."""

    temperature: Tensor
    """[B, 1]"""
    floor_place: Tensor
    """int64 [B, 1], where the k-th best stands in ascending order; 0 keeps all."""
    top_p_rest: Tensor
    """[B, 1], the probability that may be cut."""
    may_cut: Tensor
    """bool [B, V], in ascending order: top-p is in use, and never cuts the last."""
    repetition_penalty: Tensor
    """[B, 1]"""
    greedy: Tensor
    """bool [B]"""

    @classmethod
    def of(cls, settings: Tensor, vocab_size: int) -> SamplingRows:
        """Returns the settings in rows [B, 5] of `prompt_rows.settings_row`."""
        temperature, top_k, top_p, penalty, greedy = settings.split(1, dim=1)
        place = (vocab_size - top_k).clamp(min=0).masked_fill(top_k == 0, 0.0)
        is_last = torch.arange(vocab_size, device=settings.device) == vocab_size - 1
        return cls(
            temperature=temperature,
            floor_place=place.long(),
            top_p_rest=1.0 - top_p,
            may_cut=(top_p < 1.0) & ~is_last,
            repetition_penalty=penalty,
            greedy=greedy[:, 0] > 0.5,
        )


Draw: TypeAlias = Callable[[Tensor, SamplingRows, Tensor], Tensor]
"""`draw`, or what stands in for it."""


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
    cumulative = _distribution(logits, rows).cumsum(dim=-1, dtype=torch.float64)
    target = uniforms[:, None] * cumulative[:, -1:]
    # The last id is what is left, so that no number leads beyond it.
    sampled = (cumulative[:, :-1] <= target).sum(dim=-1)
    return torch.where(rows.greedy, best, sampled)


def _distribution(logits: Tensor, rows: SamplingRows) -> Tensor:
    """Returns the probabilities [B, V] that are drawn from."""
    logits = logits / rows.temperature
    ordered, order = logits.sort(dim=-1, stable=True)
    floor = ordered.gather(1, rows.floor_place)  # ties with the k-th best stay, as upstream has it
    kept = ordered.masked_fill(ordered < floor, _BANNED)
    is_cut = (kept.softmax(dim=-1).cumsum(dim=-1) <= rows.top_p_rest) & rows.may_cut
    is_cut = torch.empty_like(is_cut).scatter_(1, order, is_cut)
    return logits.masked_fill(is_cut | (logits < floor), _BANNED).softmax(dim=-1)


def fastest_draw(device: torch.device, num_ids: int) -> Draw:
    """Returns the one-kernel draw on CUDA, where Triton can build it; else `draw`, with one line
    logged.

    Args:
        num_ids: of the largest vocabulary.
    """
    if device.type != "cuda":
        return draw
    try:
        from intone.runtime.frame import draw_kernel  # Triton is not on every machine
    except ImportError as error:
        reason: str | None = str(error)
    else:
        reason = draw_kernel.why_not(device, num_ids)
        if reason is None:
            return draw_kernel.draw
    _log.warning("draws without Triton (%s): slower, same speech", reason)
    return draw
