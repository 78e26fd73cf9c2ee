"""Takes become files or streams: WAV, FLAC, MP3, OGG Vorbis, raw PCM.

A file is written beside its target, under a hidden name, and renamed when it is complete: a failed
or cancelled take leaves nothing behind and never damages an older file. Standard output, a pipe or
a device cannot be renamed; they receive what was made so far, as WAV with an open-ended header.
"""

from __future__ import annotations

import errno
import os
import secrets
import sys
from io import FileIO
from pathlib import Path
from typing import BinaryIO, Literal

import soundfile

from intone.audio.pcm import to_pcm16, wav_stream_header
from intone.audio.writer import AudioWriter, output_error
from intone.core.errors import OutputError
from intone.core.types import Samples

AudioFormat = Literal["wav", "flac", "mp3", "ogg", "pcm"]
"""wav, flac and pcm hold 16-bit samples; ogg is Vorbis; pcm is headerless, little-endian."""

STDOUT = "-"

FORMAT_OF_SUFFIX: dict[str, AudioFormat] = {
    ".wav": "wav",
    ".flac": "flac",
    ".mp3": "mp3",
    ".ogg": "ogg",
    ".pcm": "pcm",
    ".raw": "pcm",
}

_LIBSNDFILE_NAMES: dict[AudioFormat, tuple[str, str]] = {
    "wav": ("WAV", "PCM_16"),
    "flac": ("FLAC", "PCM_16"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
    "ogg": ("OGG", "VORBIS"),
    "pcm": ("RAW", "PCM_16"),
}

_BLOCK_SAMPLES = 8_192
"""libsndfile's Vorbis encoder holds one whole write on the C stack: 200 s at once crash it."""


def create_writer(
    target: str | Path, sample_rate_hz: int, format: AudioFormat | None = None
) -> AudioWriter:
    """Returns a writer for a path, or for standard output when `target` is "-".

    Args:
        target: a file, whose ending names the format; a pipe or device; or "-".
        sample_rate_hz: rate of the samples that will be written.
        format: overrides the ending; standard output, pipes and devices take "wav" (their default)
            or "pcm".

    Raises:
        OutputError: the ending is unknown, the target cannot be opened for writing, or standard
            output is a terminal.
    """
    if str(target) == STDOUT:
        if sys.stdout.isatty():
            raise OutputError("standard output is a terminal; pipe it somewhere, or name a file.")
        return StreamWriter(sys.stdout.buffer, "standard output", sample_rate_hz, format or "wav")
    path = Path(target)
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            stream = open(path, "wb", buffering=0)
            return StreamWriter(stream, str(path), sample_rate_hz, format or "wav", owned=True)
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "is a directory")
        return FileWriter(path, sample_rate_hz, format or format_of(path))
    except OSError as error:
        raise output_error(str(path), error) from error


def save(
    path: str | Path, samples: Samples, sample_rate_hz: int, format: AudioFormat | None = None
) -> Path:
    """Writes samples [S] to a file in one go and returns its path.

    Raises:
        OutputError: the ending is unknown or the file cannot be written; nothing is left behind.
    """
    with create_writer(path, sample_rate_hz, format) as writer:
        writer.write(samples)
    return Path(path)


def format_of(path: Path) -> AudioFormat:
    """Returns the format that the ending of `path` names; raises OutputError when it names none."""
    found = FORMAT_OF_SUFFIX.get(path.suffix.lower())
    if found is None:
        endings = " ".join(FORMAT_OF_SUFFIX)
        raise OutputError(f"cannot tell a format from {path.name!r}; use one of {endings}.")
    return found


class FileWriter(AudioWriter):
    """Encodes into a hidden file beside the target; `close` renames it."""

    def __init__(self, path: Path, sample_rate_hz: int, format: AudioFormat) -> None:
        self._name = str(path)
        self._target = path.resolve()  # through a link: the link stays, its file is replaced
        self._part = self._target.with_name(f".{self._target.name}.{secrets.token_hex(4)}.part")
        self._file = _GuardedFile(self._part)
        self._is_open = True
        file_format, subtype = _LIBSNDFILE_NAMES[format]
        try:
            self._encoder = soundfile.SoundFile(
                self._file, "w", sample_rate_hz, 1, subtype, format=file_format
            )
        except soundfile.SoundFileError as error:
            self._discard()
            raise OutputError(
                f"cannot write {self._name} as {format} at {sample_rate_hz} Hz: {error}."
            ) from error

    def write(self, samples: Samples) -> None:
        for start in range(0, len(samples), _BLOCK_SAMPLES):
            block = samples[start : start + _BLOCK_SAMPLES]
            # One rounding for every 16-bit output: a stream and a file hold the same samples.
            self._encoder.write(block if self._is_lossy() else to_pcm16(block))
            self._raise_failure()

    def close(self) -> None:
        if not self._is_open:
            return
        try:
            self._encoder.close()
            self._raise_failure()
            self._file.close()
            os.replace(self._part, self._target)
        except OSError as error:
            self.abort()
            raise output_error(self._name, error) from error
        except OutputError:
            self.abort()
            raise
        self._is_open = False

    def abort(self) -> None:
        if not self._is_open:
            return
        self._encoder.close()
        self._discard()

    def _is_lossy(self) -> bool:
        return self._encoder.format in ("MP3", "OGG")

    def _raise_failure(self) -> None:
        if self._file.failure is not None:
            raise output_error(self._name, self._file.failure) from self._file.failure

    def _discard(self) -> None:
        self._is_open = False
        self._file.close()
        self._part.unlink(missing_ok=True)


class StreamWriter(AudioWriter):
    """Writes WAV with an open-ended header, or raw PCM, into a stream; every write is flushed."""

    def __init__(
        self,
        stream: BinaryIO | FileIO,
        name: str,
        sample_rate_hz: int,
        format: AudioFormat,
        *,
        owned: bool = False,
    ) -> None:
        if format not in ("wav", "pcm"):
            raise OutputError(f"cannot stream {format} to {name}; use wav or pcm, or name a file.")
        self._stream = stream
        self._name = name
        self._is_owned = owned
        if format == "wav":
            self._send(wav_stream_header(sample_rate_hz))

    def write(self, samples: Samples) -> None:
        self._send(to_pcm16(samples).tobytes())

    def close(self) -> None:
        if self._is_owned:
            self._stream.close()  # unbuffered: nothing is left that could fail

    def abort(self) -> None:
        self.close()

    def _send(self, data: bytes) -> None:
        view = memoryview(data)
        try:
            while view:
                view = view[self._stream.write(view) :]  # an unbuffered device may take a part
            self._stream.flush()
        except OSError as error:
            self.close()
            raise output_error(self._name, error) from error


class _GuardedFile(FileIO):
    """A new file that keeps its first write error instead of raising it.

    libsndfile writes through a C callback, where an exception would be printed and lost.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, "xb+")
        self.failure: OSError | None = None

    def write(self, data: bytes) -> int:  # type: ignore[override]
        rest = memoryview(data)
        while rest and self.failure is None:
            try:
                rest = rest[super().write(rest) :]
            except OSError as error:
                self.failure = error
        return len(data)
