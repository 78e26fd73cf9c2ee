"""What the takes of one checkpoint add up to, and the one number that checkpoints are ranked by.

    score = similarity - word error rate - cap-hit rate - |ln duration ratio| - loss

    similarity       mean cosine of a take's x-vector and the speaker's, up to 1
    word error rate  errors over words, all takes together
    cap-hit rate     share of takes that did not end by themselves
    duration ratio   median of take over recording: 1 is the recording's own pace
    loss             mean cross-entropy on held-out rows, nats (that of the run's validation)

Each term costs one for: a wholly other voice, every word wrong, every take a runaway, a pace 2.7
times off, one nat. A term that one of the checkpoints has no figure for is left out for all of
them. Higher is better; scores of different runs or settings do not compare. A dozen takes leave the
score uncertain by several hundredths: `Figures.noise` says how much.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, median, stdev
from typing import Any

from intone.core.types import FinishReason

TERMS = ("similarity", "word_error_rate", "cap_hit_rate", "pace", "loss")


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """One take, as it was measured."""

    item: str
    """Id of the held-out row."""
    seed: int
    finish_reason: FinishReason
    duration_s: float
    ref_s: float
    """The recording's length."""
    similarity: float | None = None
    heard: str | None = None
    num_errors: int | None = None
    num_units: int | None = None
    """Words (or Han and kana characters) of the text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One checkpoint's figures; None where something to measure with was missing."""

    num_takes: int
    cap_hit_rate: float
    duration_ratio: float
    similarity: float | None
    word_error_rate: float | None
    loss: float | None
    preset_drift: float | None
    """Mean KL divergence, nats a frame, of codebook 0 of the base's presets from the base's own."""
    noise: float | None = None
    """Standard error, over takes, of similarity, word errors and cap hits together; None of one."""

    def to_json(self) -> dict[str, Any]:
        """Returns what `from_json` reads."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Figures:
        """Reads what `to_json` wrote."""
        return cls(**data)

    def terms(self) -> dict[str, float | None]:
        """Returns the terms of the score; all but the similarity are lost from it."""
        return {
            "similarity": self.similarity,
            "word_error_rate": self.word_error_rate,
            "cap_hit_rate": self.cap_hit_rate,
            "pace": abs(math.log(self.duration_ratio)),
            "loss": self.loss,
        }


def figures_of(takes: Sequence[Take], *, loss: float | None, preset_drift: float | None) -> Figures:
    """Returns what takes add up to; at least one take."""
    similarities = [take.similarity for take in takes if take.similarity is not None]
    heard = [(take.num_errors, take.num_units) for take in takes if take.num_units]
    units = sum(units for _, units in heard if units is not None)
    return Figures(
        num_takes=len(takes),
        cap_hit_rate=fmean(take.finish_reason == "length" for take in takes),
        duration_ratio=median(take.duration_s / take.ref_s for take in takes),
        similarity=fmean(similarities) if similarities else None,
        word_error_rate=sum(errors or 0 for errors, _ in heard) / units if units else None,
        loss=loss,
        preset_drift=preset_drift,
        noise=_noise(takes),
    )


def _noise(takes: Sequence[Take]) -> float | None:
    if len(takes) < 2:
        return None
    return stdev(map(_worth, takes)) / math.sqrt(len(takes))


def _worth(take: Take) -> float:
    """What one take brings to the score, pace and loss apart."""
    errors = (take.num_errors or 0) / take.num_units if take.num_units else 0.0
    return (take.similarity or 0.0) - errors - (take.finish_reason == "length")


def shared_terms(figures: Sequence[Figures]) -> tuple[str, ...]:
    """Returns the terms that all have figures for."""
    return tuple(name for name in TERMS if all(each.terms()[name] is not None for each in figures))


def score(figures: Figures, terms: Sequence[str]) -> float:
    """Returns the score by these terms; higher is better."""
    values = figures.terms()
    total = 0.0
    for name in terms:
        value = values[name]
        assert value is not None
        total += value if name == "similarity" else -value
    return total
