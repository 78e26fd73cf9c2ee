"""The command line under test, in this process and in one of its own."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from intone.cli import main, options
from intone.core.types import ModelKind
from intone.runtime.cpu import store
from intone.runtime.cpu.build import build
from intone.runtime.cpu.built import Precision
from intone.tts import TTS

RunInProcess = Callable[..., "Outcome"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def _empty_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No pulled models, no network, an empty working directory."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("MODELSCOPE_CACHE", str(tmp_path / "modelscope"))
    monkeypatch.setenv("INTONE_OFFLINE", "1")
    monkeypatch.delenv("INTONE_DEBUG", raising=False)


def build_here(model: Path, precision: Precision, out: Path, **_: object) -> None:
    """Stands for the process that builds: in this one, which has loaded all it needs already."""
    build(model, precision, out)


@pytest.fixture(scope="session", autouse=True)
def _no_first_start(tiny_checkpoint: Callable[[ModelKind], Path]) -> None:
    """Commands find their graphs built, whichever test comes first, and need not announce it."""
    kinds: tuple[ModelKind, ...] = ("custom", "base", "design")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "run_builder", build_here)
        for kind in kinds:
            with store.built_graphs(tiny_checkpoint(kind), "fp32", {}):
                pass


class KeptTTS(TTS):
    """Stays open when a command closes it: the next test need not load the same model again."""

    def close(self) -> None:
        pass

    def really_close(self) -> None:
        super().close()


@pytest.fixture(scope="session")
def kept_models() -> Iterator[dict[tuple[str, ...], KeptTTS]]:
    kept: dict[tuple[str, ...], KeptTTS] = {}
    yield kept
    for tts in kept.values():
        tts.really_close()


@pytest.fixture
def intone(
    capsys: pytest.CaptureFixture[str],
    kept_models: dict[tuple[str, ...], KeptTTS],
    monkeypatch: pytest.MonkeyPatch,
) -> RunInProcess:
    """Runs one command in this process, with models that stay hot between tests."""

    def open_kept(args: argparse.Namespace, *, num_slots: int | None = 1) -> TTS:
        key = (str(args.model), args.device, args.dtype)
        if key not in kept_models:
            kept_models[key] = KeptTTS(args.model, device=args.device, dtype=args.dtype)
        return kept_models[key]

    monkeypatch.setattr(options, "open_tts", open_kept)

    def run(*argv: str | Path) -> Outcome:
        capsys.readouterr()
        try:
            code = main([str(argument) for argument in argv])
        except SystemExit as stop:
            code = int(stop.code or 0)
        out, err = capsys.readouterr()
        return Outcome(code, out, err)

    return run


def start(*argv: str | Path, stdin: int | None = None) -> subprocess.Popen[bytes]:
    """Starts one command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "intone", *map(str, argv)],
        stdin=stdin or subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
