"""How far a stage is; surfaces draw it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class StageProgress:
    """One report of a running stage."""

    done: int
    total: int
    unit: str
    """What is counted: "rows", "clips", "steps"."""
    elapsed_s: float
    """Since this run of the stage began."""
    skipped: int = 0
    """Of `done`, those that an earlier run had finished."""
    note: str = ""

    @property
    def eta_s(self) -> float | None:
        """Returns the seconds still to go at this run's pace; None before the first unit."""
        made = self.done - self.skipped
        return self.elapsed_s / made * (self.total - self.done) if made > 0 else None

    def __str__(self) -> str:
        eta = "" if self.eta_s is None else f", {clock(self.eta_s)} to go"
        note = f", {self.note}" if self.note else ""
        return f"{self.done} of {self.total} {self.unit}{eta}{note}"


OnProgress = Callable[[StageProgress], None]


def silent(progress: StageProgress) -> None:
    """Reports nothing."""


def clock(seconds: float) -> str:
    """Returns "1:02:03" or "2:03"."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
