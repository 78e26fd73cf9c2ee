"""What was said, as a command tells it: figures of all takes together, and what was remarkable."""

from __future__ import annotations

from dataclasses import dataclass

from intone.core.constants import FRAME_S
from intone.core.types import Audio, SpeechTiming


@dataclass(frozen=True, slots=True)
class Spoken:
    """One take, or several with silences between them."""

    takes: tuple[Audio, ...]
    silence_s: float = 0.0
    seed: int | None = None
    """That repeats them all, where one does; None: each has its own."""

    @property
    def timing(self) -> SpeechTiming:
        """The figures of all takes together."""
        return SpeechTiming(
            ttfa_s=self.takes[0].timing.ttfa_s,
            wall_s=sum(take.timing.wall_s for take in self.takes),
            audio_s=sum(take.duration_s for take in self.takes) + self.silence_s,
        )

    @property
    def figures(self) -> str:
        """One line: seconds, speed, TTFA, the seed to give again, why it ended."""
        own = (take.seed for take in self.takes)
        seeds = ", ".join(map(str, own if self.seed is None else (self.seed,)))
        reasons = ", ".join(dict.fromkeys(take.finish_reason for take in self.takes))
        return f"{self.timing}, seed {seeds}, finished: {reasons}"

    @property
    def remarks(self) -> tuple[str, ...]:
        """Sentences about what the guard did; none after takes that ended by themselves."""
        return tuple(dict.fromkeys(remark for take in self.takes for remark in _remarks(take)))


def _remarks(take: Audio) -> list[str]:
    found = []
    if take.finish_reason == "guard":
        drawn = f", in each of {take.num_draws} draws" if take.num_draws > 1 else ""
        found.append(f"a take missed its end{drawn} and was cut there; try another --seed")
    elif take.num_draws > 1:
        found.append(f"a take missed its end and was drawn again, {take.num_draws} draws in all")
    if take.num_leaked_frames:
        leaked_s = take.num_leaked_frames * FRAME_S
        found.append(f"{leaked_s:.2f} s echoed the reference clip and were cut off the start")
    return found
