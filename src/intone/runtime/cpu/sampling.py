"""From one row of logits to one id, in numpy: what `runtime/sampling.py` computes on tensors.

A frame draws sixteen ids one after the other, so a draw must cost little: nothing of the
vocabulary's size is sorted or summed but where top-p asks for it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from intone.core.types import SamplingParams
from intone.models.raw_tensors import Array

Seen = npt.NDArray[np.bool_]


def penalise(logits: Array, seen: Seen, params: SamplingParams) -> None:
    """Makes ids that `seen` [V] marks less likely, in place."""
    if params.repetition_penalty == 1.0:
        return
    drawn = logits[seen]
    penalty = np.float32(params.repetition_penalty)
    logits[seen] = np.where(drawn < 0, drawn * penalty, drawn / penalty)


def draw(logits: Array, params: SamplingParams, uniform: float) -> int:
    """Returns an id of logits [V], penalised and banned already, by inverse distribution function.

    Args:
        uniform: in [0, 1).
    """
    if params.greedy:
        return int(logits.argmax())
    ids = _candidates(logits, params.top_k)
    scaled = logits[ids] / np.float32(params.temperature)
    weights = np.exp((scaled - scaled.max()).astype(np.float64))
    if params.top_p < 1.0:
        weights = _cut_top_p(weights, params.top_p)
    cumulative = weights.cumsum()
    at = cumulative.searchsorted(uniform * cumulative[-1], side="right")
    return int(ids[at])


def _candidates(logits: Array, top_k: int) -> npt.NDArray[np.intp]:
    """Returns the ids that may be drawn, in order; ties with the k-th best stay, as upstream."""
    if 0 < top_k < len(logits):
        return np.flatnonzero(logits >= np.partition(logits, -top_k)[-top_k])
    return np.arange(len(logits))


def _cut_top_p(weights: npt.NDArray[np.float64], top_p: float) -> npt.NDArray[np.float64]:
    """Zeroes the least likely whose summed probability stays within 1 - p; the best one stays."""
    order = weights.argsort(kind="stable")
    cumulative = weights[order].cumsum()
    drop = cumulative <= (1.0 - top_p) * cumulative[-1]
    drop[-1] = False
    kept = weights.copy()
    kept[order[drop]] = 0.0
    return kept
