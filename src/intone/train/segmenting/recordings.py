"""Long recordings: found in a folder, decoded block by block, read in pieces."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile

from intone.audio.reference import MAX_CHANNELS, MAX_RATE_HZ, MIN_RATE_HZ
from intone.audio.resample import resample
from intone.audio.silence import hop_samples
from intone.core.constants import SAMPLE_RATE_HZ
from intone.core.errors import DatasetError
from intone.core.types import Samples
from intone.train.data.source_folders import AUDIO_SUFFIXES
from intone.train.segmenting.cutting import Span

_BLOCK_HOPS = 1_000
_CONTEXT_S = 0.1
"""Read on both sides of a piece, so that resampling has no edge inside it."""


def find_recordings(path: Path) -> tuple[Path, list[Path]]:
    """Returns the folder that names are relative to, and the recordings, in order.

    Raises:
        DatasetError: there is none.
    """
    if path.is_file():
        return path.parent, [path]
    found = sorted(
        each
        for each in path.rglob("*")
        if each.suffix.lower() in AUDIO_SUFFIXES and each.is_file() and each.name[0] != "."
    )
    if not found:
        raise DatasetError(
            f"{path} holds no recording; give a file, or a folder with "
            f"{' '.join(AUDIO_SUFFIXES)} files."
        )
    return path, found


class Recording:
    """One file, open for reading. A context manager."""

    def __init__(self, path: Path) -> None:
        """Opens it.

        Raises:
            DatasetError: it cannot be decoded.
        """
        self._path = path
        try:
            self._file = soundfile.SoundFile(path)
        except (soundfile.SoundFileError, OSError) as error:
            raise DatasetError(f"{path} cannot be decoded ({error}).") from error
        self.rate_hz: int = self._file.samplerate
        if not MIN_RATE_HZ <= self.rate_hz <= MAX_RATE_HZ or self._file.channels > MAX_CHANNELS:
            self._file.close()
            raise DatasetError(
                f"{path} has {self._file.channels} channels at {self.rate_hz} Hz; allowed: up to "
                f"{MAX_CHANNELS}, {MIN_RATE_HZ} to {MAX_RATE_HZ} Hz."
            )

    @property
    def duration_s(self) -> float:
        """Returns what the header says."""
        return float(self._file.frames / self.rate_hz)

    def blocks(self) -> Iterator[Samples]:
        """Yields the recording from its beginning, mono, ten seconds at a time.

        Raises:
            DatasetError: it breaks off, or holds what is no sound.
        """
        self._seek(0)
        size, done = hop_samples(self.rate_hz) * _BLOCK_HOPS, 0
        while len(block := self._read(size)):
            done += len(block)
            yield block
        if done < self._file.frames:
            raise DatasetError(
                f"{self._path} breaks off: {done} of {self._file.frames} samples can be decoded."
            )

    def piece(self, span: Span) -> Samples:
        """Returns a stretch at 24 kHz, mono [S], with no sample outside [-1, 1]."""
        first = max(0, round((span.start_s - _CONTEXT_S) * self.rate_hz))
        self._seek(first)
        last = round((span.end_s + _CONTEXT_S) * self.rate_hz)
        samples = resample(self._read(last - first), self.rate_hz, SAMPLE_RATE_HZ)
        start = round((span.start_s - first / self.rate_hz) * SAMPLE_RATE_HZ)
        samples = samples[start : start + round(span.duration_s * SAMPLE_RATE_HZ)]
        peak = float(np.abs(samples).max(initial=0.0))
        return samples / np.float32(max(peak, 1.0))

    def __enter__(self) -> Recording:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def _seek(self, sample: int) -> None:
        try:
            self._file.seek(sample)
        except soundfile.SoundFileError as error:
            raise DatasetError(f"{self._path} cannot be decoded ({error}).") from error

    def _read(self, num_samples: int) -> Samples:
        try:
            block = self._file.read(num_samples, "float32", always_2d=True)
        except soundfile.SoundFileError as error:
            raise DatasetError(f"{self._path} cannot be decoded ({error}).") from error
        if not np.isfinite(block).all():
            raise DatasetError(f"{self._path} holds samples that are not finite numbers.")
        mono: Samples = block[:, 0] if block.shape[1] == 1 else block.mean(axis=1, dtype=np.float32)
        return np.ascontiguousarray(mono)
