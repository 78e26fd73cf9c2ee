"""Who is heard in a take: x-vectors, and how alike two of them are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from intone.audio.silence import HOPS_PER_S, levels_db, sound_hops
from intone.core.errors import ReferenceAudioError
from intone.core.synthesizer import Synthesizer
from intone.core.types import Audio, Samples

MIN_SPEECH_S = 1.0
"""Less speech than this says too little about who speaks; such a take is not judged."""

MAX_HEARD_S = 20
"""Of a take; who speaks is plain by then, and what hears needs memory for every second."""


class Ear(Protocol):
    """Hears who speaks."""

    @property
    def name(self) -> str:
        """The checkpoint whose speaker encoder it is; x-vectors of two ears do not compare."""
        ...

    def x_vector(self, samples: Samples) -> Samples:
        """Returns who speaks in samples [S] at 24 kHz, [H].

        Raises:
            ReferenceAudioError: there is too little to hear.
        """
        ...


@dataclass(frozen=True, slots=True)
class SynthesizerEar:
    """The speaker encoder of a checkpoint: the one that speaks, or another one."""

    synthesizer: Synthesizer
    name: str

    def x_vector(self, samples: Samples) -> Samples:
        return self.synthesizer.x_vector(samples)


def similarity(first: Samples, second: Samples) -> float:
    """Returns the cosine of two x-vectors [H] of one ear, -1 to 1; 0 where one of them is zero."""
    a, b = first.astype(np.float64), second.astype(np.float64)
    norms = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / norms if norms > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike several takes are to their persons."""

    lowest: float | None
    mean: float | None
    num_compared: int

    @classmethod
    def of(cls, similarities: Iterable[float | None]) -> Likeness:
        """Returns lowest and mean over the takes that were compared; None without any."""
        found = [one for one in similarities if one is not None]
        if not found:
            return cls(None, None, 0)
        return cls(min(found), sum(found) / len(found), len(found))

    def __str__(self) -> str:
        if self.lowest is None or self.mean is None:
            return "similarity not measured"
        return f"similarity lowest {self.lowest:.2f}, mean {self.mean:.2f}"


def speech_s(samples: Samples, rate_hz: int) -> float:
    """Returns the seconds from the first sound to the last one; 0 where there is none."""
    found = sound_hops(levels_db(samples, rate_hz))
    return 0.0 if found is None else (found[1] - found[0]) / HOPS_PER_S


def heard_person(ear: Ear, audio: Audio) -> tuple[Samples | None, str | None]:
    """Returns the x-vector [H] of a take, or why it says too little about who speaks."""
    heard_s = speech_s(audio.samples, audio.sample_rate_hz)
    if heard_s < MIN_SPEECH_S:
        return None, f"{heard_s:.1f} s of speech are too few to judge who speaks"
    # Whole seconds: torch keeps what it prepared for every length that it has ever met.
    length_s = min(len(audio.samples) // audio.sample_rate_hz, MAX_HEARD_S)
    try:
        return ear.x_vector(audio.samples[: length_s * audio.sample_rate_hz]), None
    except ReferenceAudioError as error:
        return None, f"not judged: {error}"
