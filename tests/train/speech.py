"""Sound that has what checks look for in speech: syllables, pauses, a voice's harmonics."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from intone.core.types import Samples

RATE_HZ = 24_000


def speech(
    duration_s: float, *, seed: int = 0, rate_hz: int = RATE_HZ, gain: float = 0.3
) -> Samples:
    """Returns syllables of 180 ms with 20 ms between them, without silence at the ends, [S]."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(round(duration_s * rate_hz)) / rate_hz
    pitch_hz = rng.uniform(100, 220)
    phase = 2 * np.pi * pitch_hz * time_s + rng.uniform(0, 6)
    voice = sum(np.sin(k * phase) / k for k in range(1, 9))
    syllable = (time_s % 0.2) / 0.18
    envelope = np.where(syllable < 1, np.sin(np.pi * np.clip(syllable, 0, 1)) ** 0.5, 0.0)
    sound = voice / 2 * envelope + rng.normal(0, 1e-3, len(time_s))
    return (gain * sound).astype(np.float32)


def silence(
    duration_s: float, *, rate_hz: int = RATE_HZ, noise: float = 1e-4, seed: int = 0
) -> Samples:
    """Returns a room's noise, [S]."""
    rng = np.random.default_rng(seed)
    return rng.normal(0, noise, round(duration_s * rate_hz)).astype(np.float32)


def save(path: Path, samples: npt.NDArray[np.generic], rate_hz: int = RATE_HZ) -> Path:
    """Writes samples in the format of the ending, and its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate_hz)
    return path
