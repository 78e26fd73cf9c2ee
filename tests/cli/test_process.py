"""The command as a process: start-up, pipes, Ctrl-C, termination."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile
from tests.cli.conftest import RunInProcess, start

import intone as package
from intone.core.types import ModelKind

Checkpoint = Callable[[ModelKind], Path]
ENDLESS = ("--max-frames", "3000", "--seed", "1", "--temperature", "3", "--no-guard")


def test_the_version_is_printed(intone: RunInProcess) -> None:
    assert intone("--version").out == f"intone {package.__version__}\n"


def test_help_needs_neither_torch_nor_numpy() -> None:
    code = (
        "import sys; from intone.cli.parser import build_parser; build_parser().format_help(); "
        "sys.exit(bool({'torch', 'numpy', 'soundfile'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_audio_flows_through_a_pipe(tiny_checkpoint: Checkpoint) -> None:
    process = start(
        *("say", "Hello.", "--model", tiny_checkpoint("custom"), "--out", "-"),
        *("--max-frames", "6", "--seed", "1"),
    )
    out, err = process.communicate(timeout=60)

    assert process.returncode == 0
    assert soundfile.read(io.BytesIO(out))[0].shape == (6 * 1_920,)
    assert b"x real time" in err


@pytest.mark.parametrize(
    ("number", "code"),
    [
        pytest.param(signal.SIGINT, 130, id="ctrl-c"),
        pytest.param(signal.SIGTERM, 143, id="terminate", marks=pytest.mark.slow),
    ],
)
def test_an_interrupted_take_stops_and_leaves_nothing(
    tiny_checkpoint: Checkpoint, number: signal.Signals, code: int
) -> None:
    process = start(
        "say",
        "Hello.",
        "--model",
        tiny_checkpoint("custom"),
        "--out",
        "a.wav",
        "--stream",
        *ENDLESS,
    )
    wait_for_audio()
    process.send_signal(number)
    asked_at = time.monotonic()
    out, err = process.communicate(timeout=30)

    assert process.returncode == code, err
    assert time.monotonic() - asked_at < 5
    assert b"Traceback" not in err
    assert (out, os.listdir()) == (b"", [])


def wait_for_audio() -> None:
    """Waits until the hidden file beside the target holds audio."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if any(Path(name).stat().st_size > 8_000 for name in os.listdir()):
            return
        time.sleep(0.02)
    raise AssertionError("no audio within a minute")


@pytest.mark.slow
def test_a_reader_that_leaves_ends_the_take(tiny_checkpoint: Checkpoint) -> None:
    process = start(
        "say", "Hello.", "--model", tiny_checkpoint("custom"), "--out", "-", "--stream", *ENDLESS
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.read(1_000)
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()

    assert process.wait(timeout=30) == 6
    assert err == (
        b"intone: cannot write standard output: the program reading the pipe has gone.\n"
    )


def test_a_reader_that_leaves_is_no_bug() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as nobody_reads:
        finished = subprocess.run(
            [sys.executable, "-m", "intone", "say", "One.", "--voice", "ava", "--show-spoken"],
            stdout=nobody_reads,
            stderr=subprocess.PIPE,
            check=False,
        )

    assert (finished.returncode, finished.stderr) == (141, b"")
