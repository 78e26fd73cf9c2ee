"""Sound quality and speakers, as models of others judge them; each is left out where missing."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt
import soxr

Vector = npt.NDArray[np.float32]
_RATE_HZ = 16_000


def _module(name: str) -> Any | None:
    try:
        return import_module(name)
    except ImportError:
        print(f"{name} is missing; its figures are left out")
        return None


class Naturalness:
    """DNSMOS P.835 (PyPI `speechmos`): overall quality, 1 to 5."""

    def __init__(self) -> None:
        self._dnsmos = _module("speechmos.dnsmos")

    def score(self, samples: Vector, rate_hz: int) -> float | None:
        """Returns the overall score of a take."""
        if self._dnsmos is None:
            return None
        x = soxr.resample(samples, rate_hz, _RATE_HZ)
        found = self._dnsmos.run(x / max(1.0, float(np.abs(x).max())), _RATE_HZ)
        return float(found["ovrl_mos"])


class Timbre:
    """Speaker vectors of PyPI `resemblyzer`, unit length."""

    def __init__(self) -> None:
        resemblyzer = _module("resemblyzer")
        self._encoder = resemblyzer and resemblyzer.VoiceEncoder("cpu", verbose=False)

    def vector(self, samples: Vector, rate_hz: int) -> Vector | None:
        """Returns a take's speaker vector, [256]."""
        if self._encoder is None:
            return None
        found: Vector = self._encoder.embed_utterance(soxr.resample(samples, rate_hz, _RATE_HZ))
        return found


def speaker_figures(vectors: Sequence[Vector], speakers: Sequence[str]) -> dict[str, float]:
    """Returns how surely takes of one preset are nearer to each other than to other presets'.

    `told_apart` is the share of (take, mate, stranger) triples in which the take's cosine with its
    mate, of the same preset, is above that with the stranger, of another one.
    """
    x = np.stack(vectors)
    names = np.array(speakers)
    cosine = x @ x.T
    is_same = (names[:, None] == names) & ~np.eye(len(x), dtype=bool)
    is_other = names[:, None] != names
    right = sum(
        float((row[same][:, None] > row[other]).mean())
        for row, same, other in zip(cosine, is_same, is_other, strict=True)
    )
    return {
        "told_apart": round(right / len(x), 4),
        "cosine_same": round(float(cosine[is_same].mean()), 3),
        "cosine_other": round(float(cosine[is_other].mean()), 3),
    }
