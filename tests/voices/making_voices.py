"""Voices without a model, for tests."""

from __future__ import annotations

import numpy as np

from intone.core.types import Codes, Samples
from intone.voices.voice import Making, Reference, Voice


def x_vector(seed: int = 0, size: int = 64) -> Samples:
    return np.random.default_rng(seed).standard_normal(size).astype(np.float32)


def codes(seed: int = 0, frames: int = 20, books: int = 16) -> Codes:
    return np.random.default_rng(seed).integers(0, 2_048, (frames, books))


def make_voice(name: str = "nora", *, moods: tuple[str, ...] = ()) -> Voice:
    neutral = Reference(text="What the clip says.", codes=codes(), x_vector=x_vector())
    bank = [
        Reference(mood=mood, text=f"{mood} words", codes=codes(i), x_vector=x_vector(i))
        for i, mood in enumerate(moods, 1)
    ]
    return Voice(
        name=name,
        kind="cloned",
        language="english",
        hidden_size=64,
        x_vector=x_vector(),
        references=(neutral, *bank),
        making=Making(source_sha256="ab" * 32, model="0.6b-base"),
        licence="CC0-1.0",
        consent="Nora agreed on paper.",
    )
