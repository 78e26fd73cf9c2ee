"""Hashes by which a record knows samples, files and voices again."""

from __future__ import annotations

import hashlib
from pathlib import Path

from intone.audio.pcm import to_pcm16
from intone.core.errors import OutputError
from intone.core.types import Samples, VoiceClonePrompt


def pcm16_sha256(samples: Samples) -> str:
    """Returns the hash of samples [S] as a WAV file holds them."""
    return hashlib.sha256(to_pcm16(samples).tobytes()).hexdigest()


def file_sha256(path: Path) -> str:
    """Returns the hash of a file's bytes; raises OutputError where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise OutputError(f"cannot read {path}: {error.strerror}.") from error


def prompt_sha256(prompt: VoiceClonePrompt) -> str:
    """Returns the hash of what a talker reads of a voice: x-vector, reference codes and text."""
    sha = hashlib.sha256(prompt.x_vector.astype("<f4").tobytes())
    if prompt.ref_codes is not None:
        sha.update(repr(prompt.ref_codes.shape).encode())
        sha.update(prompt.ref_codes.astype("<i8").tobytes())
    sha.update(f"\n{prompt.ref_text!r}".encode())
    return sha.hexdigest()
