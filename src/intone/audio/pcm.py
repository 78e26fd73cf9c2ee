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


def to_pcm16(samples: Samples) -> npt.NDArray[np.int16]:
    """Returns little-endian int16 [S] of float samples [S], clipped to [-1, 1]."""
    scaled = np.rint(np.clip(samples, -1.0, 1.0) * PCM16_SCALE)
    return scaled.astype("<i2")


def wav_stream_header(sample_rate_hz: int) -> bytes:
    """Returns the 44 bytes that open a mono 16-bit WAV stream of unknown length.

    The RIFF and data sizes are `UNKNOWN_SIZE`: a pipe cannot be rewritten once the length is known.
    """
    return _HEADER.pack(
        b"RIFF",
        UNKNOWN_SIZE,
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
        UNKNOWN_SIZE,
    )
