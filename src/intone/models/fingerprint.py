"""Which weights computed something: a hash of one network's tensors and dimensions."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch

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
