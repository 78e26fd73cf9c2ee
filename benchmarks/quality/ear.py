"""What is heard of a take: words, naturalness, speaker."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks.quality.measures import Naturalness, Timbre, Vector
from benchmarks.quality.recogniser import Recogniser
from benchmarks.quality.words import words_of

from intone.train.hearing.word_errors import num_errors


@dataclass(frozen=True, slots=True)
class Take:
    """One sentence, spoken and heard."""

    text: str
    speaker: str
    heard: str
    word_errors: int
    words: int
    audio_s: float
    dnsmos: float | None
    finish_reason: str = ""
    wall_s: float = 0.0


class Ear:
    """Recogniser, judge of naturalness and judge of speakers."""

    def __init__(self, recogniser: Path, *, judges_naturalness: bool = True) -> None:
        """Loads all three; naturalness costs several times what the others do."""
        self._recogniser = Recogniser(recogniser)
        self._naturalness = Naturalness() if judges_naturalness else None
        self.timbre = Timbre()

    def hear(self, text: str, speaker: str, samples: Vector, rate_hz: int) -> Take:
        """Returns what is heard of a sentence."""
        heard, said = self._recogniser.hear(samples, rate_hz), words_of(text)
        score = self._naturalness and self._naturalness.score(samples, rate_hz)
        return Take(
            text=text,
            speaker=speaker,
            heard=heard,
            word_errors=num_errors(said, words_of(heard)),
            words=len(said),
            audio_s=round(len(samples) / rate_hz, 2),
            dnsmos=None if score is None else round(score, 3),
        )

    def vector(self, samples: Vector, rate_hz: int) -> Vector | None:
        """Returns the take's speaker vector."""
        return self.timbre.vector(samples, rate_hz)
