"""Samples become bytes of a format, piece by piece: for streams that begin before a take is over.

What was given out so far can be decoded, wherever a stream is cut. wav and pcm need nothing more;
mp3, opus, aac and flac are encoded by PyAV, which the extra `codecs` brings.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from threading import Lock
from typing import Any, Literal, Protocol

import numpy as np
import soundfile

from intone.audio.pcm import to_pcm16, wav_header, wav_stream_header
from intone.core.errors import MissingDependencyError
from intone.core.types import Samples

SoundFormat = Literal["wav", "pcm", "mp3", "opus", "aac", "flac", "ogg"]
"""wav, pcm and flac hold 16-bit samples; pcm is headerless and little-endian; opus comes in Ogg,
aac in ADTS; ogg is Vorbis, which is made whole only."""

_BLOCK_SAMPLES = 8_192
"""libsndfile's Vorbis encoder holds one whole write on the C stack: 200 s at once crash it."""


class SoundEncoder(Protocol):
    """Encodes one take, or several in a row."""

    def feed(self, samples: Samples) -> bytes:
        """Takes samples [S] and returns the bytes that are ready, maybe none."""
        ...

    def finish(self) -> bytes:
        """Returns what is left; nothing is fed after it."""
        ...

    def close(self) -> None:
        """Gives back what an encoder holds that was not finished; after `finish`, does nothing.

        An open codec has megabytes, and hangs in a cycle that the collector finds late.
        """
        ...


@dataclass(frozen=True, slots=True)
class _Codec:
    container: str
    codec: str
    bit_rate: int | None
    options: Mapping[str, str] = field(default_factory=dict)


_CODECS: Mapping[SoundFormat, _Codec] = {
    # Without the frame that a file would be given its length in afterwards.
    "mp3": _Codec("mp3", "libmp3lame", 96_000, {"write_xing": "0", "id3v2_version": "0"}),
    # A page holds a second otherwise, and a page is the least that a player can take.
    "opus": _Codec("ogg", "libopus", 48_000, {"page_duration": "40000"}),
    "aac": _Codec("adts", "aac", 96_000),
    # Without 8 kB of room for tags that come before any sound otherwise.
    "flac": _Codec("flac", "flac", None, {"metadata_header_padding": "0"}),
}
_WHOLE: Mapping[SoundFormat, tuple[str, str]] = {
    "mp3": ("MP3", "MPEG_LAYER_III"),
    "opus": ("OGG", "OPUS"),
    "flac": ("FLAC", "PCM_16"),
    "ogg": ("OGG", "VORBIS"),
}


def can_stream(format: SoundFormat) -> bool:
    """Whether `stream_encoder` can make this format with the packages that are here."""
    if format in ("wav", "pcm"):
        return True
    return format in _CODECS and _has_pyav()


def stream_encoder(format: SoundFormat, rate_hz: int) -> SoundEncoder:
    """Returns an encoder whose bytes leave as they are made.

    Raises:
        MissingDependencyError: the format needs PyAV; or it is ogg, which is made whole only.
    """
    if format in ("wav", "pcm"):
        return _PcmStream(wav_stream_header(rate_hz) if format == "wav" else b"")
    if format not in _CODECS:
        raise MissingDependencyError(f"{format} cannot be streamed; ask for opus or mp3.")
    return _PyAvStream(_CODECS[format], rate_hz, format)


def whole_encoder(format: SoundFormat, rate_hz: int) -> SoundEncoder:
    """Returns an encoder that gives out everything at the end, with lengths in its header.

    Raises:
        MissingDependencyError: aac needs PyAV.
    """
    if format == "pcm":
        return _PcmStream(b"")
    if format == "aac":
        return _PyAvStream(_CODECS[format], rate_hz, format)
    return _WholeSound(format, rate_hz)


class _PcmStream:
    def __init__(self, header: bytes) -> None:
        self._header = header

    def feed(self, samples: Samples) -> bytes:
        header, self._header = self._header, b""
        return header + to_pcm16(samples).tobytes()

    def finish(self) -> bytes:
        header, self._header = self._header, b""
        return header

    def close(self) -> None:
        pass


class _WholeSound:
    """Holds samples and encodes them in one go, by libsndfile where it is not wav."""

    def __init__(self, format: SoundFormat, rate_hz: int) -> None:
        self._format = format
        self._rate_hz = rate_hz
        self._held: list[Samples] = []

    def feed(self, samples: Samples) -> bytes:
        self._held.append(samples)
        return b""

    def finish(self) -> bytes:
        samples = np.concatenate(self._held) if self._held else np.empty(0, np.float32)
        if self._format == "wav":
            data = to_pcm16(samples).tobytes()
            return wav_header(self._rate_hz, len(data)) + data
        file_format, subtype = _WHOLE[self._format]
        file = io.BytesIO()
        with soundfile.SoundFile(
            file, "w", self._rate_hz, 1, subtype, format=file_format
        ) as encoder:
            for start in range(0, len(samples), _BLOCK_SAMPLES):
                block = samples[start : start + _BLOCK_SAMPLES]
                encoder.write(to_pcm16(block) if self._format == "flac" else block)
        return file.getvalue()

    def close(self) -> None:
        self._held.clear()


class _PyAvStream:
    """One audio stream in a container that is never rewound."""

    def __init__(self, codec: _Codec, rate_hz: int, format: SoundFormat) -> None:
        self._av = _pyav(format)
        self._sink = _Sink()
        self._rate_hz = rate_hz
        self._num_samples = 0
        self._in_use = Lock()
        self._container = self._av.open(
            self._sink, "w", format=codec.container, options=dict(codec.options)
        )
        self._stream = self._container.add_stream(codec.codec, rate=rate_hz)
        self._stream.layout = "mono"
        self._is_exact = codec.codec == "flac"
        if self._is_exact:
            self._stream.format = "s16"
        if codec.bit_rate is not None:
            self._stream.bit_rate = codec.bit_rate

    def feed(self, samples: Samples) -> bytes:
        if len(samples):
            self._container.mux(self._stream.encode(self._frame(samples)))
        return self._sink.taken()

    def finish(self) -> bytes:
        with self._in_use:
            if self._num_samples:
                self._container.mux(self._stream.encode(None))
            self._container.close()
            return self._sink.taken()

    def close(self) -> None:
        # A thread that is just finishing closes by itself, and is not waited for.
        if self._in_use.acquire(blocking=False):
            try:
                self._container.close()
            finally:
                self._in_use.release()

    def _frame(self, samples: Samples) -> Any:
        # One rounding for every 16-bit output: all of them hold the same samples.
        row = to_pcm16(samples) if self._is_exact else np.clip(samples, -1.0, 1.0)
        kind = "s16" if self._is_exact else "flt"
        frame = self._av.AudioFrame.from_ndarray(row[np.newaxis], format=kind, layout="mono")
        frame.sample_rate = self._rate_hz
        frame.pts, frame.time_base = self._num_samples, Fraction(1, self._rate_hz)
        self._num_samples += len(samples)
        return frame


class _Sink:
    """A file that can be written to and not rewound; hands out what came since it was asked."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def taken(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)


def _has_pyav() -> bool:
    try:
        _pyav("mp3")
    except MissingDependencyError:
        return False
    return True


def _pyav(format: SoundFormat) -> Any:
    """Returns the module `av`, which is large and has no annotations that would help here."""
    try:
        import av
    except ImportError as error:
        raise MissingDependencyError(
            f"streaming {format} needs PyAV; install it (pip install 'intone[codecs]'), or ask for "
            "wav or pcm."
        ) from error
    return av
