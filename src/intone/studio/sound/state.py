"""How a performance stands: what a page shows while it sounds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from intone.core.errors import IntoneError
from intone.core.types import FinishReason

Phase = Literal["planning", "waiting", "speaking", "keeping", "done", "stopped", "failed"]
"""planning: the fields are read. waiting: for a turn, or for a model to be loaded. keeping: the
last sound is out, files are written."""

OVER: frozenset[Phase] = frozenset({"done", "stopped", "failed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptSpeech:
    """Where what was said lies."""

    audio: Path
    record: Path
    duration_s: float
    seed: int
    """That repeats the whole."""
    num_takes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundState:
    """A performance now; times are in seconds."""

    phase: Phase
    model: str | None = None
    """None while it is planned."""
    streams: bool = True
    waited_s: float = 0.0
    """For a turn and for the model, so far."""
    ttfa_s: float | None = None
    """From the model's acceptance to the first sample, as the API counts."""
    spoken_s: float = 0.0
    """Since the model took it, so far."""
    audio_s: float = 0.0
    num_frames: int = 0
    expected_s: float = 0.0
    num_takes: int = 1
    finish_reason: FinishReason | None = None
    """Of the last take."""
    seed: int | None = None
    remarks: tuple[str, ...] = ()
    kept: KeptSpeech | None = None
    error: IntoneError | None = None

    @property
    def is_over(self) -> bool:
        return self.phase in OVER

    @property
    def rtf(self) -> float:
        """Audio seconds per second of work; higher is faster."""
        return self.audio_s / self.spoken_s if self.spoken_s > 0 else 0.0

    @property
    def left_s(self) -> float | None:
        """Seconds of work that are likely left; None before there is anything to tell it by."""
        if self.rtf <= 0 or self.is_over:
            return None
        return max(0.0, self.expected_s - self.audio_s) / self.rtf
