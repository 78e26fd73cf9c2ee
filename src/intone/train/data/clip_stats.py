"""What is measured of one clip, read block by block: a clip of any length takes the same memory.

Measuring judges nothing. Limits may change between two checks; the measurement stays.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import soundfile

from intone.audio.reference import MAX_CHANNELS, MAX_RATE_HZ, MIN_RATE_HZ
from intone.audio.silence import Levels, hop_samples, level_range, levels_db, sound_hops
from intone.core.types import Samples

MEASURE_VERSION = 1
"""Of what is measured and how; another number measures every clip again."""

_BLOCK_HOPS = 1_000
_FULL_SCALE = 0.999
_CUT_TOLERANCE_S = 0.001
_UNKNOWN_FRAMES = 2**62
"""libsndfile says 2**63 - 1 where a header tells no length, and cannot seek there."""

FailureCode = Literal["missing_audio", "undecodable_audio", "bad_cut"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipStats:
    """One clip, or the stretch of it that belongs to a row."""

    duration_s: float
    rate_hz: int
    channels: int
    peak: float
    clipped_share: float
    """Of all samples, those at full scale."""
    loud_db: float
    """95th percentile of the levels of 10 ms, dB of full scale."""
    floor_db: float
    """Fifth percentile."""
    lead_s: float
    """Silence before the first sound; the whole duration where there is no sound."""
    tail_s: float
    """Silence after the last."""
    digest: str
    """BLAKE2 of the mono samples at 16 bits: equal in WAV and FLAC, whatever the file's name."""

    @property
    def speech_s(self) -> float:
        """Returns the duration without silence at the ends."""
        return max(0.0, self.duration_s - self.lead_s - self.tail_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipFailure:
    """Why there is nothing to measure."""

    code: FailureCode
    reason: str


Measured = ClipStats | ClipFailure


def measure_clip(path: Path, start_s: float | None = None, end_s: float | None = None) -> Measured:
    """Returns the measurements of a clip, or why there are none; never raises for a bad file.

    Args:
        start_s: first second of the file that counts; None is its beginning.
        end_s: second at which it ends; None is the file's end.
    """
    try:
        if not path.is_file():  # a pipe or a device would keep the decoder waiting
            what = "is no regular file" if path.exists() else "does not exist"
            return ClipFailure(code="missing_audio", reason=f"{path} {what}")
        # By name: through a Python file object, libsndfile's callbacks print what they catch.
        with soundfile.SoundFile(path) as sound:
            return _measure(sound, start_s, end_s)
    except OSError as error:  # for example a name that is too long
        reason = f"{path} cannot be read: {error.strerror or error}"
        return ClipFailure(code="missing_audio", reason=reason)
    except soundfile.SoundFileError as error:
        return _undecodable(str(error).strip().rstrip("."))


def _measure(sound: soundfile.SoundFile, start_s: float | None, end_s: float | None) -> Measured:
    rate_hz, channels = sound.samplerate, sound.channels
    if not MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:
        return _undecodable(f"sample rate {rate_hz} Hz; allowed: {MIN_RATE_HZ} to {MAX_RATE_HZ}")
    if channels > MAX_CHANNELS:
        return _undecodable(f"{channels} channels; allowed: up to {MAX_CHANNELS}")
    if not sound.frames:
        return _undecodable("the file holds no samples")
    if sound.frames >= _UNKNOWN_FRAMES:
        return _undecodable("the header does not tell its length, as in a pipe; encode it again")
    start, duration_s = start_s or 0.0, sound.frames / rate_hz
    end = duration_s if end_s is None else end_s
    if not 0 <= start < min(end, duration_s) or end > duration_s + _CUT_TOLERANCE_S:
        return _bad_cut(start_s, end_s, duration_s)
    first = round(start * rate_hz)
    last = None if end_s is None else round(end_s * rate_hz)
    tolerance = math.ceil(_CUT_TOLERANCE_S * rate_hz)
    meter = _Meter(rate_hz, channels)
    if first:
        sound.seek(first)
    for block in _blocks(sound, None if last is None else last - first):
        meter.add(block)
    decoded_to = first + meter.num_samples
    if last is None and decoded_to < sound.frames:
        return _undecodable(f"broken off: {decoded_to} of {sound.frames} samples can be decoded")
    if last is not None and decoded_to < last - tolerance:
        return _bad_cut(start_s, end_s, decoded_to / rate_hz)
    return meter.result()


def _blocks(sound: soundfile.SoundFile, num_samples: int | None) -> Iterator[Samples]:
    """Yields [S, channels] until `num_samples` are read or the file ends."""
    size = hop_samples(sound.samplerate) * _BLOCK_HOPS
    while num_samples is None or num_samples > 0:
        block = sound.read(size if num_samples is None else min(size, num_samples), "float32", True)
        if not len(block):
            return
        num_samples = None if num_samples is None else num_samples - len(block)
        yield block


class _Meter:
    """Adds up blocks."""

    def __init__(self, rate_hz: int, channels: int) -> None:
        self._rate_hz, self._channels = rate_hz, channels
        self.num_samples = 0
        self._peak, self._num_clipped, self._is_finite = 0.0, 0, True
        self._levels: list[Levels] = []
        self._digest = hashlib.blake2b(digest_size=16)

    def add(self, block: Samples) -> None:
        """Takes [S, channels]; every block but the last is a whole number of hops."""
        self.num_samples += len(block)
        self._is_finite = self._is_finite and bool(np.isfinite(block).all())
        if not self._is_finite:
            return
        peak = float(np.abs(block).max())
        self._peak = max(self._peak, peak)
        if peak >= _FULL_SCALE:
            self._num_clipped += int((np.abs(block) >= _FULL_SCALE).any(axis=1).sum())
        mono = block[:, 0] if block.shape[1] == 1 else block.mean(axis=1, dtype=np.float32)
        self._levels.append(levels_db(mono, self._rate_hz))
        self._digest.update(np.rint(mono.clip(-8, 8) * 32_768).astype("<i4").tobytes())

    def result(self) -> Measured:
        if not self.num_samples:
            return _undecodable("the file holds no samples")
        if not self._is_finite:
            return _undecodable("samples that are not finite numbers")
        levels = np.concatenate(self._levels)
        found = sound_hops(levels)
        hop_s, duration_s = hop_samples(self._rate_hz) / self._rate_hz, self._duration_s()
        spread = level_range(levels)
        return ClipStats(
            duration_s=duration_s,
            rate_hz=self._rate_hz,
            channels=self._channels,
            peak=self._peak,
            clipped_share=self._num_clipped / self.num_samples,
            loud_db=spread.loud_db,
            floor_db=spread.floor_db,
            lead_s=duration_s if found is None else found[0] * hop_s,
            tail_s=0.0 if found is None else max(0.0, duration_s - found[1] * hop_s),
            digest=self._digest.hexdigest(),
        )

    def _duration_s(self) -> float:
        return self.num_samples / self._rate_hz


def _undecodable(reason: str) -> ClipFailure:
    return ClipFailure(code="undecodable_audio", reason=reason)


def _bad_cut(start_s: float | None, end_s: float | None, duration_s: float) -> ClipFailure:
    reason = (
        f"start {start_s}, end {end_s}; allowed: 0 <= start < end <= {duration_s:.3f} s of the file"
    )
    return ClipFailure(code="bad_cut", reason=reason)
