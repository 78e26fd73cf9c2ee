"""A kept take as a file of another format, made when it is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

import soundfile

from intone.audio.stream_encoders import whole_encoder
from intone.core.errors import OutputError

DownloadFormat = Literal["wav", "mp3", "flac", "ogg"]

DOWNLOAD_FORMATS: tuple[DownloadFormat, ...] = get_args(DownloadFormat)


def encoded(wav: Path, format: DownloadFormat) -> bytes:
    """Returns a kept take in a format; wav is the file itself. For a thread: encoding takes time.

    Raises:
        OutputError: the file cannot be read.
    """
    try:
        if format == "wav":
            return wav.read_bytes()
        samples, rate_hz = soundfile.read(wav, dtype="float32")
    except (OSError, soundfile.SoundFileError) as error:
        raise OutputError(f"{wav.name} cannot be read; look under Takes.") from error
    encoder = whole_encoder(format, rate_hz)
    return encoder.feed(samples) + encoder.finish()
