"""Reference clips: whatever a user gives for a voice becomes mono float32 at the codec's rate.

The bounds keep a clip useful: under one second there is too little voice, over a minute too much
to hold in a prompt, and a clip without sound has none.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import soundfile

from intone.audio.containers import DecodingLimits, decode_container
from intone.audio.resample import resample
from intone.core.constants import SAMPLE_RATE_HZ
from intone.core.errors import MissingDependencyError, ReferenceAudioError
from intone.core.types import Samples

MIN_REFERENCE_S = 1.0
MAX_REFERENCE_S = 60.0
SILENCE_PEAK = 1e-3
"""-60 dB of full scale: below it a clip counts as silent."""

_FLAT_TOP = 0.999
"""Three samples in a row this near to the peak are no sound's own shape below some kHz."""

MIN_RATE_HZ = 4_000
MAX_RATE_HZ = 384_000
MAX_CHANNELS = 8
MAX_DECODED_SAMPLES = 12_000_000
"""Of all channels: a minute of stereo at 96 kHz, 48 MB. Silence packs into a thousandth of that."""

ReferenceSource = str | Path | bytes | tuple[npt.NDArray[np.generic], int]
"""A file, the bytes of one, or decoded samples [S] or [S, channels] with their rate in Hz."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceClip:
    """A checked reference clip, ready for the speaker encoder and the codec encoder."""

    samples: Samples
    """Mono, [-1, 1], [S], at 24 kHz."""
    source_rate_hz: int
    """Rate before resampling."""
    source_channels: int
    source_peak: float
    """Largest magnitude as given; above 1.0 the clip was scaled down to 1.0."""
    clipped_share: float = 0.0
    """Of the samples as given, those on the flat tops that clipping leaves."""

    @property
    def duration_s(self) -> float:
        return len(self.samples) / SAMPLE_RATE_HZ


def load_reference(source: ReferenceSource) -> ReferenceClip:
    """Returns the clip at 24 kHz, mono, with no sample outside [-1, 1].

    Integers are scaled by their range, channels are averaged, a peak above 1.0 is scaled down.

    Raises:
        ReferenceAudioError: missing, unreadable, undecodable, empty, silent, shorter than 1 s or
            longer than 60 s; or an array whose shape, type, rate or values cannot be audio.
    """
    if isinstance(source, tuple):
        name = "the reference array"
        channels, rate_hz = _as_float(name, source[0]), _checked_rate(name, source[1])
    elif isinstance(source, bytes):
        name = f"the reference audio ({len(source):,} bytes)"
        channels, rate_hz = _decode(name, io.BytesIO(source))
    else:
        name = str(source)
        with _open(name, Path(source)) as file:
            channels, rate_hz = _decode(name, file)
    return _checked_clip(name, channels, rate_hz)


def _open(name: str, path: Path) -> BinaryIO:
    if name.startswith(("http://", "https://")):
        raise ReferenceAudioError(f"{name} is an address; download it and give the file.")
    try:
        return path.open("rb")
    except FileNotFoundError as error:
        raise ReferenceAudioError(f"{name} does not exist; check the path.") from error
    except IsADirectoryError as error:
        raise ReferenceAudioError(f"{name} is a directory; give one audio file.") from error
    except OSError as error:
        raise ReferenceAudioError(f"{name} cannot be read: {error.strerror}.") from error


def _decode(name: str, data: BinaryIO) -> tuple[Samples, int]:
    """Returns [S, channels] and the rate; reads just past the limit, however long the file is."""
    if not data.read(1):
        raise ReferenceAudioError(f"{name} is empty; give {_wanted()}.")
    data.seek(0)
    try:
        with soundfile.SoundFile(data) as sound:
            _checked_rate(name, sound.samplerate)
            _check_channels(name, sound.channels)
            limit = int(MAX_REFERENCE_S * sound.samplerate) + 1
            most = MAX_DECODED_SAMPLES // sound.channels + 1
            channels = sound.read(min(limit, most), dtype="float32", always_2d=True)
            if len(channels) == most:
                raise ReferenceAudioError(
                    f"{name} decodes to more than {MAX_DECODED_SAMPLES:,} samples ({sound.channels}"
                    f" channels at {sound.samplerate} Hz); give one channel at 24 or 48 kHz."
                )
            return channels, sound.samplerate
    except soundfile.SoundFileError:
        return _decode_other(name, data)


def _decode_other(name: str, data: BinaryIO) -> tuple[Samples, int]:
    """Returns [S, channels] and the rate of a file that libsndfile does not know."""
    data.seek(0)
    limits = DecodingLimits(
        max_s=MAX_REFERENCE_S, max_samples=MAX_DECODED_SAMPLES, max_channels=MAX_CHANNELS
    )
    try:
        return decode_container(name, data, limits)
    except MissingDependencyError as error:
        raise ReferenceAudioError(
            f"{name} cannot be decoded; give a wav, flac, mp3, ogg, opus or aiff file, or install "
            "what reads m4a and webm (pip install 'intone[codecs]')."
        ) from error


def _check_channels(name: str, channels: int) -> None:
    if channels > MAX_CHANNELS:
        raise ReferenceAudioError(
            f"{name} has {channels} channels; allowed: up to {MAX_CHANNELS}. One is enough."
        )


def _checked_rate(name: str, rate_hz: int) -> int:
    if not MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:
        raise ReferenceAudioError(
            f"{name} has a sample rate of {rate_hz} Hz; allowed: {MIN_RATE_HZ} to {MAX_RATE_HZ}."
        )
    return int(rate_hz)


def _as_float(name: str, array: npt.NDArray[np.generic]) -> Samples:
    """Returns [S, channels] as float32; integers are divided by the largest value of their type."""
    samples = np.asarray(array)
    if samples.ndim == 1:
        samples = samples[:, np.newaxis]
    if samples.ndim != 2 or samples.shape[1] > MAX_CHANNELS:
        raise ReferenceAudioError(
            f"{name} has shape {np.shape(array)}; give [samples] or [samples, channels]."
        )
    if samples.dtype == np.uint8:  # the one unsigned form of audio: silence is 128
        return (samples.astype(np.float32) - 128.0) / 128.0
    if samples.dtype in (np.int8, np.int16, np.int32):
        return samples.astype(np.float32) / -float(np.iinfo(samples.dtype).min)
    if np.issubdtype(samples.dtype, np.floating):
        return samples.astype(np.float32)
    raise ReferenceAudioError(
        f"{name} holds {samples.dtype}; give float, or integers of 8, 16 or 32 bits."
    )


def _checked_clip(name: str, channels: Samples, rate_hz: int) -> ReferenceClip:
    duration_s = len(channels) / rate_hz
    if duration_s == 0:
        raise ReferenceAudioError(f"{name} holds no samples; give {_wanted()}.")
    if duration_s < MIN_REFERENCE_S:
        raise ReferenceAudioError(f"{name} is too short ({duration_s:.2f} s); give {_wanted()}.")
    if duration_s > MAX_REFERENCE_S:
        raise ReferenceAudioError(f"{name} is longer than {MAX_REFERENCE_S:.0f} s; cut it down.")
    if not np.isfinite(channels).all():
        raise ReferenceAudioError(f"{name} holds samples that are not finite numbers; repair it.")
    mono = to_mono(channels)
    if float(np.abs(mono).max()) < SILENCE_PEAK:
        raise ReferenceAudioError(f"{name} is silent; give {_wanted()}.")
    return ReferenceClip(
        samples=to_codec_rate(mono, rate_hz),
        source_rate_hz=rate_hz,
        source_channels=channels.shape[1],
        source_peak=float(np.abs(channels).max()),
        clipped_share=_clipped_share(channels),
    )


def _clipped_share(channels: Samples) -> float:
    """Returns the share of samples [S, channels] in runs at the peak, whatever gain followed."""
    magnitude = np.abs(channels)
    is_top = magnitude >= _FLAT_TOP * magnitude.max()
    is_run = is_top[:-2] & is_top[1:-1] & is_top[2:]
    return float(is_run.sum() / is_top.size)


def to_mono(channels: Samples) -> Samples:
    """Returns the mean of [S, channels], S > 0; a peak above 1.0 is scaled down to 1.0."""
    peak = np.float32(max(float(np.abs(channels).max()), 1.0))
    mono: Samples = channels.mean(axis=1, dtype=np.float32) / peak
    return mono


def to_codec_rate(mono: Samples, rate_hz: int) -> Samples:
    """Returns samples [S] at 24 kHz, none outside [-1, 1]."""
    return np.clip(resample(mono, rate_hz, SAMPLE_RATE_HZ), -1.0, 1.0)


def _wanted() -> str:
    return f"{MIN_REFERENCE_S:.0f} to {MAX_REFERENCE_S:.0f} s of speech (5 to 10 s works well)"
