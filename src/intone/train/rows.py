"""One training row, as every stage after the reading knows it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Split = Literal["train", "validation"]

DEFAULT_SPEAKER = "speaker"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRow:
    """One utterance: a clip, or a stretch of one, and its words."""

    id: str
    """Where it was read, "metadata.jsonl:12"; unique in a dataset."""
    audio: Path
    text: str
    speaker: str = DEFAULT_SPEAKER
    """Lower case: upstream looks speakers up in lower case."""
    language: str = "auto"
    """Lower case, a language of the model, or "auto"."""
    instruct: str | None = None
    """How it is said."""
    ref_audio: Path | None = None
    """Another clip of the speaker: the source of the x-vector, and with `ref_text` of an ICL
    prompt. None uses the row's own clip for the x-vector."""
    ref_text: str | None = None
    start_s: float | None = None
    """First second of `audio` that belongs to the row; None is its beginning."""
    end_s: float | None = None
    """None is the end of `audio`."""
    split: Split = "train"
