"""Sound out of the files of browsers and phones: webm, m4a, mp4, amr and what else PyAV reads.

libsndfile reads the rest, and comes first; PyAV is the extra `codecs`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

from intone.core.errors import MissingDependencyError, ReferenceAudioError
from intone.core.types import Samples

_MAX_STREAMS = 64

_OPTIONS = {
    "format_whitelist": "3gp,aac,aiff,amr,amrnb,amrwb,asf,au,caf,flac,m4a,matroska,mov,mp3,mp4,ogg,"
    "wav,webm",
    "protocol_whitelist": "data",
}
"""Files that hold their sound themselves. Playlists name other files and addresses, which would be
opened here; none is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodingLimits:
    """Where decoding ends, whatever a file's header says."""

    max_s: float
    max_samples: int
    """Of all channels together."""
    max_channels: int


def decode_container(name: str, data: BinaryIO, limits: DecodingLimits) -> tuple[Samples, int]:
    """Returns the first sound in a file, [S, channels] within [-1, 1], and its rate in Hz.

    It is read just past `max_s` at most, so that whoever asked can tell that it is too long.

    Args:
        name: of the file, for messages.

    Raises:
        MissingDependencyError: PyAV is absent.
        ReferenceAudioError: there is no sound in it, or it is damaged or too large.
    """
    av = _pyav()
    try:
        with av.open(data, mode="r", metadata_errors="ignore", options=_OPTIONS) as container:
            sounds = container.streams.audio
            if not sounds or len(container.streams) > _MAX_STREAMS:
                raise ReferenceAudioError(f"{name} has no sound in it; give a recording.")
            stream = sounds[0]
            if stream.codec_context is None:
                raise ReferenceAudioError(
                    f"{name} holds sound in a coding that nobody here reads; save it as wav."
                )
            rate_hz, channels = int(stream.rate or 0), int(stream.channels or 0)
            _check_channels(name, channels, limits)
            if rate_hz <= 0:
                raise ReferenceAudioError(f"{name} tells no sample rate; save it as wav.")
            most = min(int(limits.max_s * rate_hz) + 1, limits.max_samples // channels + 1)
            samples = _read(av, container, stream, channels, most)
    except av.FFmpegError as error:
        raise ReferenceAudioError(
            f"{name} cannot be decoded; give a wav, flac, mp3, ogg, opus, m4a or webm file."
        ) from error
    if len(samples) * channels > limits.max_samples:
        raise ReferenceAudioError(
            f"{name} decodes to more than {limits.max_samples:,} samples ({channels} channels at "
            f"{rate_hz} Hz); give one channel at 24 or 48 kHz."
        )
    return samples, rate_hz


def _read(av: Any, container: Any, stream: Any, channels: int, most: int) -> Samples:
    """Returns up to `most` samples per channel, [S, channels]; what ends early is what there is."""
    parts = [np.empty((0, channels), dtype=np.float32)]
    num_samples = 0
    for block in _blocks(av, container, stream):
        parts.append(block)
        num_samples += len(block)
        if num_samples >= most:
            break
    return np.concatenate(parts)[:most]


def _blocks(av: Any, container: Any, stream: Any) -> Iterator[Samples]:
    resampler = av.AudioResampler(format="fltp", layout=stream.layout, rate=stream.rate)
    for frame in container.decode(stream):
        for even in resampler.resample(frame):
            yield even.to_ndarray().T
    for even in resampler.resample(None):
        yield even.to_ndarray().T


def _check_channels(name: str, channels: int, limits: DecodingLimits) -> None:
    if not 1 <= channels <= limits.max_channels:
        raise ReferenceAudioError(
            f"{name} has {channels} channels; allowed: up to {limits.max_channels}. One is enough."
        )


def _pyav() -> Any:
    """Returns the module `av`, which is large and has no annotations that would help here."""
    try:
        import av
    except ImportError as error:
        raise MissingDependencyError(
            "this kind of sound file needs PyAV; install it (pip install 'intone[codecs]'), or "
            "give a wav, flac, mp3 or ogg file."
        ) from error
    return av
