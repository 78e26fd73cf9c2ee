"""Another checkpoint has another fingerprint."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from intone.core.errors import CheckpointError
from intone.core.types import ModelKind
from intone.models.identity import checkpoint_fingerprint


@pytest.fixture
def copy(tiny_checkpoint: Callable[[ModelKind], Path], tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_checkpoint("custom"), tmp_path / "copy"))


def test_a_copy_is_the_same_checkpoint(
    copy: Path, tiny_checkpoint: Callable[[ModelKind], Path]
) -> None:
    assert checkpoint_fingerprint(copy) == checkpoint_fingerprint(tiny_checkpoint("custom"))


@pytest.mark.parametrize("name", ["model.safetensors", "speech_tokenizer/model.safetensors"])
def test_other_numbers_in_one_tensor_are_noticed(copy: Path, name: str) -> None:
    before = checkpoint_fingerprint(copy)
    data = bytearray((copy / name).read_bytes())
    data[-1] ^= 1
    (copy / name).write_bytes(data)

    assert checkpoint_fingerprint(copy) != before


@pytest.mark.parametrize("name", ["config.json", "vocab.json"])
def test_other_settings_are_noticed(copy: Path, name: str) -> None:
    before = checkpoint_fingerprint(copy)
    (copy / name).write_text((copy / name).read_text() + " ")

    assert checkpoint_fingerprint(copy) != before


@pytest.mark.parametrize("data", [b"", b"words", b"\xff" * 100])
def test_damaged_weights_are_named(copy: Path, data: bytes) -> None:
    (copy / "model.safetensors").write_bytes(data)

    with pytest.raises(CheckpointError, match=r"model\.safetensors"):
        checkpoint_fingerprint(copy)
