"""Fixtures that every room's tests share: tiny checkpoints, written and loaded by the real code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from intone.core.types import ModelKind
from intone.models.random_checkpoint import write_random_checkpoint
from intone.tts import TTS


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """Tiny matrices gain nothing from a second thread, and lose much on a busy machine."""
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def voices_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Returns the folder of kept voices: empty, and never the user's own."""
    directory = tmp_path / "kept-voices"
    monkeypatch.setenv("INTONE_VOICES_DIR", str(directory))
    return directory


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[[ModelKind], Path]:
    """Returns the directory of a tiny random checkpoint of a kind; written once, do not change."""
    root = tmp_path_factory.mktemp("checkpoints")

    def checkpoint(kind: ModelKind) -> Path:
        directory = root / f"tiny-{kind}"
        if not directory.exists():
            write_random_checkpoint(directory, kind=kind, size="tiny")
        return directory

    return checkpoint


@pytest.fixture(scope="session")
def tiny_tts(tiny_checkpoint: Callable[[ModelKind], Path]) -> Iterator[TTS]:
    """A CustomVoice TTS in fp32 with room for five takes at once."""
    with TTS(tiny_checkpoint("custom"), device="cpu", dtype="fp32", num_slots=5) as tts:
        yield tts
