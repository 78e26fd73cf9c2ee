"""Sixteen-bit samples, and the WAV header for a stream whose length is not known yet."""

from __future__ import annotations

import struct

import numpy as np
import numpy.typing as npt

from intone.core.types import Samples

PCM16_SCALE = 32_767

UNKNOWN_SIZE = 0xFFFFFFFF
"""Both sizes of an open-ended WAV header; readers take the largest value for "until the end"."""

_PCM_FORMAT_TAG = 1
_BYTES_PER_SAMPLE = 2
_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
_SIZE_STARTS = 8
"""The RIFF size counts what follows it."""


def to_pcm16(samples: Samples) -> npt.NDArray[np.int16]:
    """Returns little-endian int16 [S] of float samples [S], clipped to [-1, 1]."""
    scaled = np.rint(np.clip(samples, -1.0, 1.0) * PCM16_SCALE)
    return scaled.astype("<i2")


def wav_stream_header(sample_rate_hz: int) -> bytes:
    """Returns the 44 bytes that open a mono 16-bit WAV stream of unknown length.

    The RIFF and data sizes are `UNKNOWN_SIZE`: a pipe cannot be rewritten once the length is known.
    """
    return _header(sample_rate_hz, UNKNOWN_SIZE, UNKNOWN_SIZE)


def wav_header(sample_rate_hz: int, num_bytes: int) -> bytes:
    """Returns the 44 bytes that open a mono 16-bit WAV file with `num_bytes` of samples."""
    return _header(sample_rate_hz, _HEADER.size - _SIZE_STARTS + num_bytes, num_bytes)


def _header(sample_rate_hz: int, riff_bytes: int, data_bytes: int) -> bytes:
    return _HEADER.pack(
        b"RIFF",
        riff_bytes,
        b"WAVE",
        b"fmt ",
        16,  # bytes of the fmt block
        _PCM_FORMAT_TAG,
        1,  # channel
        sample_rate_hz,
        sample_rate_hz * _BYTES_PER_SAMPLE,
        _BYTES_PER_SAMPLE,
        8 * _BYTES_PER_SAMPLE,
        b"data",
        data_bytes,
    )
