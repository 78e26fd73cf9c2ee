"""Which encoder and which names a format goes by."""

from __future__ import annotations

from collections.abc import Mapping

from intone.audio.stream_encoders import (
    SoundEncoder,
    SoundFormat,
    can_stream,
    stream_encoder,
    whole_encoder,
)
from intone.core.constants import SAMPLE_RATE_HZ

MEDIA_TYPES: Mapping[SoundFormat, str] = {
    "wav": "audio/wav",
    "pcm": "audio/pcm",
    "mp3": "audio/mpeg",
    "opus": "audio/ogg",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "ogg": "audio/ogg",
}
PCM_003 = f"audio/L16;rate={SAMPLE_RATE_HZ};channels=1"
"""What founding document 003 streams."""
PCM_HEADERS: Mapping[str, str] = {
    "x-sample-rate": str(SAMPLE_RATE_HZ),
    "x-sample-format": "s16le",
    "x-channels": "1",
}
"""What raw samples do not say themselves; their bytes are little-endian."""


def encoder_for(format: SoundFormat, *, wants_stream: bool | None) -> tuple[SoundEncoder, bool]:
    """Returns an encoder, and whether its sound streams.

    Args:
        wants_stream: None streams where the packages that are here can do it.

    Raises:
        MissingDependencyError: the format cannot be made so without an extra; it is named.
    """
    if wants_stream is False or (wants_stream is None and not can_stream(format)):
        return whole_encoder(format, SAMPLE_RATE_HZ), False
    return stream_encoder(format, SAMPLE_RATE_HZ), True
