"""Starts, finds and ends the processes of jobs.

A process is at work while its lock is held: the system lets go of it when the last one that holds
it ends, however it ends, so a number that another program has taken since misleads nobody.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from intone.audio.writer import output_error
from intone.cli.studio_training.chain import LOCK_FILE, LOG_FILE, PATIENCE_S, STATE_FILE
from intone.core.errors import RunError

_PATIENCE_S = 5.0
"""For a process to say its number, or for another one that only looks to let go of the lock."""


class Processes(Protocol):
    """What jobs run in."""

    def start(self, job: Path) -> None:
        """Begins the job of a directory; raises RunError where it is at work already."""
        ...

    def is_running(self, job: Path) -> bool: ...

    def interrupt(self, job: Path) -> None:
        """Asks it to end; nothing where it has."""
        ...


class SystemProcesses:
    """Implements `Processes` with a process group of its own for each job."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = dict(environ)

    def start(self, job: Path) -> None:
        lock = _take_lock(job)
        try:
            (job / STATE_FILE).unlink(missing_ok=True)
            with (job / LOG_FILE).open("ab") as log:
                process = subprocess.Popen(
                    [sys.executable, "-m", f"{__package__}.chain", str(job), str(lock)],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=self._environ,
                    pass_fds=(lock,),
                    start_new_session=True,
                )
        except OSError as error:
            raise output_error(str(job), error) from error
        finally:
            os.close(lock)  # the process has it now
        threading.Thread(target=process.wait, daemon=True, name="training-reaper").start()

    def is_running(self, job: Path) -> bool:
        try:
            with (job / LOCK_FILE).open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    def interrupt(self, job: Path) -> None:
        end_s = time.monotonic() + _PATIENCE_S
        while self.is_running(job) and time.monotonic() < end_s:
            told = _told(job)
            if told is not None:
                if not (told.is_stopping and told.age_s < 2 * PATIENCE_S):
                    _signal(told.group)
                return
            time.sleep(0.05)


def _take_lock(job: Path) -> int:
    end_s = time.monotonic() + _PATIENCE_S
    lock = os.open(job / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o644)
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > end_s:
                os.close(lock)
                raise RunError("it is at work already; stop it first.") from error
            time.sleep(0.05)
        else:
            return lock


@dataclass(frozen=True, slots=True)
class _Told:
    """What a chain last said of itself."""

    group: int
    is_stopping: bool
    """A second signal would cut short what the first one began: a checkpoint being written."""
    age_s: float


def _told(job: Path) -> _Told | None:
    path = job / STATE_FILE
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        age_s = time.time() - path.stat().st_mtime
        return _Told(int(data["pid"]), bool(data["is_stopping"]), age_s)
    except (OSError, ValueError, KeyError):
        return None


def _signal(group: int) -> None:
    """Tells the chain and its stage, or the stage that a killed chain left behind."""
    try:
        os.killpg(group, signal.SIGINT)
    except ProcessLookupError:  # it has just ended
        return
