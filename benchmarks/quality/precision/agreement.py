"""How far two sets of logits of the same codebooks are apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from intone.models.raw_tensors import Array

Floats = npt.NDArray[np.float64]
Picks = npt.NDArray[np.int64]

_RESAMPLES = 2000


@dataclass(frozen=True, slots=True, eq=False)
class BookRows:
    """One codebook of one history, row by row."""

    kl: Floats
    """KL(reference || other) in nats, [F]; the whole distribution, at temperature 1."""
    agrees: npt.NDArray[np.bool_]
    """[F]: the likeliest code is the reference's."""
    reference_hits: npt.NDArray[np.bool_]
    """[F]: the reference's likeliest code is the one that stands in the history."""
    hits: npt.NDArray[np.bool_]
    """[F]: the other's is."""


def compare(reference: Array, other: Array, codes: Picks) -> BookRows:
    """Returns how logits [F, V] compare; codes [F] are those of the history.

    An id whose logit is -inf in the reference cannot be drawn and is left out of both.
    """
    allowed = np.isfinite(reference)
    p, q = _log_shares(reference, allowed), _log_shares(other, allowed)
    gain = np.subtract(p, q, out=np.zeros_like(p), where=allowed)
    best, mine = p.argmax(axis=-1), q.argmax(axis=-1)
    return BookRows(
        kl=(np.exp(p) * gain).sum(axis=-1),
        agrees=best == mine,
        reference_hits=best == codes,
        hits=mine == codes,
    )


def _log_shares(logits: Array, allowed: npt.NDArray[np.bool_]) -> Floats:
    x = np.where(allowed, logits, -np.inf).astype(np.float64)
    x -= x.max(axis=-1, keepdims=True)
    shares: Floats = x - np.log(np.exp(x).sum(axis=-1, keepdims=True))
    return shares


def agreement_figures(
    takes: Sequence[Sequence[BookRows]], *, are_likely: bool
) -> dict[str, object]:
    """Returns the figures of all takes [takes][K]: in all, of codebook 0, of the rest, of each.

    Args:
        are_likely: histories are what a model said, so that hitting them means something.
    """
    books = range(len(takes[0]))
    parts = {"codebook_0": books[:1], "other_codebooks": books[1:]}
    return {
        **_distances(takes, books),
        **(_hits(takes, books) if are_likely else {}),
        **{name: _distances(takes, part) for name, part in parts.items()},
        "by_codebook": [
            {key: _distances(takes, [book])[key] for key in ("kl", "agreement")} for book in books
        ],
    }


def _distances(takes: Sequence[Sequence[BookRows]], books: Sequence[int]) -> dict[str, object]:
    agrees = _sums(takes, books, lambda rows: rows.agrees)
    return {
        "kl": _significant(ratio(_sums(takes, books, lambda rows: rows.kl))),
        "agreement": round(ratio(agrees), 5),
        "agreement_interval": interval(ratio, agrees),
    }


def _hits(takes: Sequence[Sequence[BookRows]], books: Sequence[int]) -> dict[str, object]:
    """Returns how often the likeliest code is the history's, in fp32, and relative to that."""
    reference = _sums(takes, books, lambda rows: rows.reference_hits)
    other = _sums(takes, books, lambda rows: rows.hits)
    both = np.stack([other[:, 0], reference[:, 0]], axis=1)
    return {
        "history_hits_fp32": round(ratio(reference), 4),
        "history_hits_to_fp32": round(ratio(both), 5),
        "history_hits_to_fp32_interval": interval(ratio, both),
    }


def _sums(
    takes: Sequence[Sequence[BookRows]],
    books: Sequence[int],
    pick: Callable[[BookRows], npt.NDArray],
) -> Floats:
    """Returns sums and counts of each take, [takes, 2]: what is resampled are takes."""
    parts = [np.concatenate([pick(take[book]) for book in books]) for take in takes]
    return np.array([(part.sum(), len(part)) for part in parts])


def _significant(value: float) -> float:
    return float(f"{value:.3g}")


def ratio(sums: Floats) -> float:
    """Returns the summed first column over the summed second one."""
    return float(sums[:, 0].sum() / sums[:, 1].sum())


def interval(statistic: Callable[[Floats], float], rows: Floats) -> tuple[float, float]:
    """Returns the 95 % interval of a statistic of rows [N, ...], by resampling them (bootstrap)."""
    draws = np.random.default_rng(0)
    found = [statistic(rows[draws.integers(0, len(rows), len(rows))]) for _ in range(_RESAMPLES)]
    low, high = np.percentile(found, [2.5, 97.5])
    return round(float(low), 5), round(float(high), 5)
