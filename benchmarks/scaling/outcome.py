"""What became of takes: each is served, refused or lost, and once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from intone.core.constants import FRAME_S

Fate = Literal["served", "refused", "lost"]
"""refused: 503. lost: its replica died."""

HOLE_S = 0.01
"""As the server's benchmark counts: shorter ones are hidden by any loudspeaker's buffer."""


@dataclass(slots=True, eq=False)
class Take:
    """One request on its way, and who listens: playing begins with the first chunk."""

    arrived_s: float
    num_frames: int
    num_heard: int = 0
    """Frames that were sent; all of them in the end."""
    fate: Fate | None = None
    audible_s: float | None = None
    """When the first sample that is no silence is heard."""
    plays_until_s: float = 0.0
    num_holes: int = 0
    stalled_s: float = 0.0

    def hear(
        self, at_s: float, num_frames: int, silent_s: float = 0.0, buffer_s: float = 0.0
    ) -> None:
        """Takes a chunk that comes at a time; playing begins `buffer_s` after the first."""
        if self.num_heard == 0:
            self.plays_until_s = at_s + buffer_s
        late_s = at_s - self.plays_until_s
        if late_s > HOLE_S:
            self.num_holes += 1
            self.stalled_s += late_s
            self.plays_until_s = at_s
        if self.audible_s is None and silent_s < (self.num_heard + num_frames) * FRAME_S:
            self.audible_s = self.plays_until_s + max(0.0, silent_s - self.num_heard * FRAME_S)
        self.num_heard += num_frames
        self.plays_until_s += num_frames * FRAME_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A simulated load, summed up; times in seconds."""

    num_takes: int
    """That arrived after the warm-up."""
    num_served: int
    num_refused: int
    num_lost: int
    ttfa_p50_s: float | None
    ttfa_p95_s: float | None
    ttfa_p99_s: float | None
    """Of the first audible sample, since the request arrived."""
    hole_rate: float
    """Of the served takes, those whose listener heard a hole."""
    stalled_s: float
    audio_s_per_s: float
    """Served audio over the time in which takes arrived."""
    utilisation: float
    """Of the replicas' time, that in which they worked."""
    slots_busy: float
    """Of the slots of replicas that worked, those that were taken, on average."""

    @property
    def refusal_rate(self) -> float:
        return self.num_refused / max(1, self.num_takes)


def outcome_of(
    takes: Sequence[Take], *, from_s: float, until_s: float, utilisation: float, slots_busy: float
) -> Outcome:
    """Returns what became of the takes that arrived from one time to another."""
    counted = [take for take in takes if from_s <= take.arrived_s < until_s]
    served = [take for take in counted if take.fate == "served"]
    ttfas = [take.audible_s - take.arrived_s for take in served if take.audible_s is not None]
    p50, p95, p99 = np.percentile(ttfas, (50, 95, 99)).tolist() if ttfas else (None, None, None)
    audio_s = sum(take.num_frames for take in served) * FRAME_S
    return Outcome(
        num_takes=len(counted),
        num_served=len(served),
        num_refused=sum(take.fate == "refused" for take in counted),
        num_lost=sum(take.fate == "lost" for take in counted),
        ttfa_p50_s=_rounded(p50),
        ttfa_p95_s=_rounded(p95),
        ttfa_p99_s=_rounded(p99),
        hole_rate=round(sum(take.num_holes > 0 for take in served) / max(1, len(served)), 5),
        stalled_s=round(sum(take.stalled_s for take in served), 3),
        audio_s_per_s=round(audio_s / max(1e-9, until_s - from_s), 3),
        utilisation=round(utilisation, 4),
        slots_busy=round(slots_busy, 4),
    )


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 4)
