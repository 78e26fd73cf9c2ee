"""Which checkpoint it is, quickly: enough to notice another one under the same name. No torch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from intone.core.errors import CheckpointError
from intone.models.raw_tensors import weight_paths

_SAMPLE_BYTES = 4_096
_MAX_HEADER_BYTES = 100_000_000
"""The format's own limit."""
_CODEC = "speech_tokenizer"
_WORDS = ("config.json", "generation_config.json", "vocab.json", "merges.txt")


def checkpoint_fingerprint(directory: Path) -> str:
    """Returns a SHA-256 over a checkpoint's settings, vocabulary and samples of every tensor.

    A tensor gives its name, type, shape, and three blocks of 4 KiB (first, middle, last): some
    megabytes are read where a whole hash would read gigabytes. Training changes every tensor it
    touches almost everywhere; a few numbers changed by hand may go unnoticed.

    Raises:
        CheckpointError: weights are missing or cut short.
    """
    sha = hashlib.sha256()
    for path in (*(directory / name for name in _WORDS), directory / _CODEC / "config.json"):
        if path.is_file():
            sha.update(f"\n{path.name}\n".encode() + path.read_bytes())
    codec = sorted((directory / _CODEC).glob("*.safetensors"))
    for path in (*weight_paths(directory), *codec):
        try:
            with path.open("rb") as file:
                for part in _samples(file):
                    sha.update(part)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CheckpointError(f"{path} cannot be read ({error}); pull it again.") from error
    return sha.hexdigest()


def _samples(file: BinaryIO) -> Iterator[bytes]:
    length = int.from_bytes(file.read(8), "little")
    if length > _MAX_HEADER_BYTES:
        raise ValueError("it is not a safetensors file")
    header = json.loads(file.read(length))
    for name in sorted(header.keys() - {"__metadata__"}):
        entry = header[name]
        start, end = entry["data_offsets"]
        yield f"\n{name} {entry['dtype']} {entry['shape']}\n".encode()
        last = max(start, end - _SAMPLE_BYTES)
        for offset in sorted({start, (start + last) // 2, last}):
            file.seek(8 + length + offset)
            yield file.read(min(_SAMPLE_BYTES, end - offset))
