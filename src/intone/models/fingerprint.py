"""Which weights computed something, or were trained: hashes."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch

from intone.core.errors import CheckpointError
from intone.models.weights import TensorFiles


def fingerprint(directory: Path, prefix: str, config: object) -> str:
    """Returns the SHA-256 of the tensors below `prefix`: names, shapes, types and values.

    Args:
        directory: holds the safetensors files.
        prefix: official, for example "encoder.".
        config: the network's dimensions, a frozen dataclass; they belong to the identity.

    Raises:
        CheckpointError: a file is missing or truncated.
    """
    files = TensorFiles(directory)
    sha = hashlib.sha256(repr(config).encode("utf-8"))
    for name in sorted(name for name in files.shapes() if name.startswith(prefix)):
        tensor = files.read(name).contiguous()
        sha.update(f"\n{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        sha.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return sha.hexdigest()


def weights_sha256(directory: Path) -> str:
    """Returns the SHA-256 of a checkpoint's weight file, or of the index that names its shards.

    Raises:
        CheckpointError: neither is there.
    """
    whole = directory / "model.safetensors"
    path = whole if whole.exists() else directory / "model.safetensors.index.json"
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise CheckpointError(
            f"{directory} has no readable weights ({error}); pull the checkpoint again."
        ) from error
