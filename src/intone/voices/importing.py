"""A voice from a file that was uploaded: `.voice` or `.safetensors`, and never a pickle."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory

from intone.core.errors import VoiceFileError
from intone.voices.vectors import SAFETENSORS_SUFFIX, read_speaker
from intone.voices.voice import Voice
from intone.voices.voice_file import MAX_FILE_BYTES, SUFFIX, voice_from_bytes


def imported_voice(file_name: str, data: bytes, name: str | None) -> Voice:
    """Returns the voice in an uploaded file; nothing in it is executed.

    Args:
        file_name: as the client calls it; its ending says what it is, and its stem names the voice
            where `name` is None. It never becomes a path.

    Raises:
        VoiceFileError: another ending, too large, damaged or foreign.
    """
    called = PurePath(file_name.replace("\\", "/")).name
    suffix = PurePath(called).suffix.lower()
    if suffix not in (SUFFIX, SAFETENSORS_SUFFIX):
        raise VoiceFileError(
            f"the file is called {called[:80]!r}; allowed: {SUFFIX} and {SAFETENSORS_SUFFIX}. "
            "Files of torch (.pt) are not read over the network: import them where they lie "
            "(intone voices import)."
        )
    if len(data) > MAX_FILE_BYTES:
        raise VoiceFileError(f"the file is larger than {MAX_FILE_BYTES:,} bytes; it is no voice.")
    kept_name = name or PurePath(called).stem
    if suffix == SUFFIX:
        return voice_from_bytes(data, kept_name)
    return _speaker(data, kept_name, called)


def _speaker(data: bytes, name: str, called: str) -> Voice:
    with TemporaryDirectory(prefix="intone-") as folder:
        path = Path(folder, f"upload{SAFETENSORS_SUFFIX}")
        path.write_bytes(data)
        try:
            voice = read_speaker(path).voice(name, path)
        except VoiceFileError as error:
            raise VoiceFileError(str(error).replace(str(path), "the file")) from error
    making = replace(voice.making, description=f"imported from {called[:80]}")
    return replace(voice, making=making)
