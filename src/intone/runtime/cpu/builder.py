"""Starts the process that builds, and turns how it ended into an error of ours."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import BinaryIO

from intone.core.errors import CheckpointError, OutputError
from intone.runtime.cpu.built import EXIT_CHECKPOINT, EXIT_OUTPUT, Precision


def run_builder(model: Path, precision: Precision, out: Path, *, hint: str, lock: BinaryIO) -> None:
    """Builds a checkpoint's graphs into an empty directory, in a process of its own.

    Args:
        hint: what to do where there is no room.
        lock: held by that process too, for as long as it lives.

    Raises:
        CheckpointError: the checkpoint cannot be used; the whole message.
        OutputError: the directory cannot be written, or the process died.
    """
    command = [sys.executable, "-m", "intone.runtime.cpu.build", str(model), precision, str(out)]
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        pass_fds=[lock.fileno()],
    )
    if done.returncode == EXIT_CHECKPOINT:
        raise CheckpointError(done.stdout.strip())
    if done.returncode == EXIT_OUTPUT:
        raise OutputError(f"{done.stdout.strip()} {hint}")
    if done.returncode != 0:
        last_line = (done.stderr.strip().splitlines() or ["it left no message"])[-1]
        raise OutputError(
            f"the {precision} graphs of {model} could not be built, {_how(done.returncode)}: "
            f"{last_line}. `{' '.join(command[1:5])} {precision} DIRECTORY` shows all of it."
        )


def _how(returncode: int) -> str:
    if returncode == -signal.SIGKILL:
        return "the process was killed, for example for lack of memory"
    return f"the process ended with {returncode}"
