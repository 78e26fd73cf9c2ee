"""Spectrograms of the voice beside its teacher's: `python -m benchmarks.quality.pictures --help`.

Needs matplotlib, and what `--teacher` needs.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from benchmarks.quality.reference import references
from PIL import Image

from intone import TTS
from intone.voices.builtin_voice import builtin_directory

_RATE_HZ = 24_000
_SENTENCES = (
    "The kettle is boiling, so please turn off the stove.",
    "Could you tell me where the nearest pharmacy is?",
    "My sister works as a nurse at the city hospital.",
    "We missed the last bus and had to walk home.",
)


def show(axis: Any, samples: npt.NDArray[np.float32], title: str) -> None:
    """Draws one spectrogram, 0 to 8 kHz, 70 dB deep."""
    axis.specgram(
        samples + 1e-7, NFFT=512, noverlap=384, Fs=_RATE_HZ, vmin=-120, vmax=-50, cmap="magma"
    )
    axis.set(ylim=(0, 8000), title=title, ylabel="Hz")


def main() -> None:
    """python -m benchmarks.quality.pictures --teacher KOKORO --out FOLDER"""
    parser = argparse.ArgumentParser(description="Draw spectrograms of voice and teacher.")
    parser.add_argument("--teacher", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    with TTS() as tts, TemporaryDirectory() as cache:
        pairs = references(_SENTENCES, args.teacher, builtin_directory(), Path(cache))
        for pair in pairs:
            ours = tts.speak(pair.text, voice=pair.speaker, seed=1, language="english")
            figure, axes = plt.subplots(3, 1, figsize=(8, 7), sharex=True, layout="constrained")
            show(axes[0], pair.teacher, f"{pair.speaker}, the teacher: {pair.text}")
            show(axes[1], pair.codec, "the teacher's plan through the built-in codec")
            show(axes[2], ours.samples, "the built-in voice")
            axes[2].set(xlabel="s")
            path = args.out / f"built-in-{pair.speaker}.png"
            figure.savefig(path, dpi=70)
            plt.close(figure)
            _shrink(path)


def _shrink(path: Path) -> None:
    """Keeps 64 colours, of which a spectrogram needs no more: a fifth of the bytes."""
    with Image.open(path) as picture:
        small = picture.convert("P", palette=Image.Palette.ADAPTIVE, colors=64)
    small.save(path, optimize=True)


if __name__ == "__main__":
    main()
