"""Rows whose loss both sides compute: every layout, language, instruct and way to name a voice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

import numpy as np
from tests.oracle.cases import ENGLISH, HIDDEN_SIZE, NUM_CODEBOOKS, NUM_SOUNDS, _generator, _noise

from intone.core.types import ModelKind, TextLayout

Voice = Literal["preset", "x_vector", "icl", "none"]

TRAINING_KINDS: tuple[ModelKind, ...] = ("custom", "design", "base")
LANGUAGES = ("auto", "english")
LAYOUTS: tuple[TextLayout, ...] = ("at_once", "per_frame")
INSTRUCT = "Calm and slow."
REFERENCE_TEXT = "the voice"
NUM_REFERENCE_FRAMES = 9
SPEAKER = "ryan"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingCase:
    """One row in one form; its frames are random, so each of them counts in the loss."""

    kind: ModelKind
    voice: Voice
    text_layout: TextLayout
    language: str
    instruct: str | None
    text: str = ENGLISH
    num_frames: int = 21

    @property
    def name(self) -> str:
        instruct = "instruct" if self.instruct else "plain"
        parts = (self.kind, self.voice, self.text_layout, self.language, instruct)
        return "-".join([*parts, f"{len(self.text)}c", f"{self.num_frames}f"])

    @property
    def codes(self) -> np.ndarray:
        shape = (self.num_frames, NUM_CODEBOOKS)
        return _generator(self.name + "/codes").integers(0, NUM_SOUNDS, shape)

    @property
    def x_vector(self) -> np.ndarray | None:
        has_one = self.voice in ("x_vector", "icl")
        return _noise(self.name, HIDDEN_SIZE) if has_one else None

    @property
    def ref_codes(self) -> np.ndarray | None:
        if self.voice != "icl":
            return None
        shape = (NUM_REFERENCE_FRAMES, NUM_CODEBOOKS)
        return _generator(self.name + "/reference").integers(0, NUM_SOUNDS, shape)

    @property
    def ref_text(self) -> str | None:
        return REFERENCE_TEXT if self.voice == "icl" else None

    @property
    def speaker(self) -> str | None:
        return SPEAKER if self.voice == "preset" else None

    def job(self) -> dict[str, Any]:
        """Returns what upstream is given."""
        x_vector, ref_codes = self.x_vector, self.ref_codes
        return {
            "task": "training",
            "name": self.name,
            "text": self.text,
            "language": self.language,
            "text_layout": self.text_layout,
            "speaker": self.speaker,
            "instruct": self.instruct,
            "x_vector": None if x_vector is None else x_vector.tolist(),
            "ref_codes": None if ref_codes is None else ref_codes.tolist(),
            "ref_text": self.ref_text,
            "codes": self.codes.tolist(),
        }


def _cases() -> Iterator[TrainingCase]:
    voices: dict[ModelKind, tuple[Voice, ...]] = {
        "custom": ("preset",),
        "design": ("none",),
        "base": ("x_vector", "icl"),
    }
    for kind in TRAINING_KINDS:
        for voice, layout, language in product(voices[kind], LAYOUTS, LANGUAGES):
            for instruct in (None, INSTRUCT):
                yield TrainingCase(
                    kind=kind,
                    voice=voice,
                    text_layout=layout,
                    language=language,
                    instruct=instruct,
                )
    # More text than frames, so that the text does not end before the sound; and one token.
    for text, num_frames in ((ENGLISH * 2, 12), ("a", 8)):
        for layout in LAYOUTS:
            yield TrainingCase(
                kind="base",
                voice="x_vector",
                text_layout=layout,
                language="auto",
                instruct=None,
                text=text,
                num_frames=num_frames,
            )


TRAINING_CASES = tuple(_cases())


def training_jobs_of(kind: ModelKind) -> list[dict[str, Any]]:
    """Returns what upstream is asked on the checkpoint of one kind."""
    return [case.job() for case in TRAINING_CASES if case.kind == kind]
