"""What a performance is asked to say: takes in order, their seeds chosen, and the silences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from intone.core.types import Capabilities, SpeechRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedTake:
    """One take and the silence behind it."""

    request: SpeechRequest
    """With its seed."""
    written: str
    """The text before figures were written out."""
    gap_after_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundPlan:
    """A text on its way to be heard."""

    mode: str
    """Names the kept files: "studio-speak"."""
    text: str
    """All of it, as it was typed."""
    can: Capabilities
    """Of the model that speaks; its `model` is the name to lease it by."""
    takes: tuple[PlannedTake, ...]
    seed: int
    """That repeats the whole."""
    streams: bool
    """Whether it is heard while it is made; else it is drawn whole first."""
    lead_silence_s: float
    end_silence_s: float
    expected_s: float
    """How long a text like this usually takes, at its speed."""
    remarks: tuple[str, ...] = ()
    """What will not be done as asked, in sentences."""

    @property
    def model(self) -> str:
        return self.can.model


MakePlan = Callable[[Mapping[str, object]], SoundPlan]
"""From the fields of a page to a plan; may read files, and raises RequestError or ModelError."""
