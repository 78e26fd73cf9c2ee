"""The process of a job: it runs one stage after the other, and outlives the studio.

    JOB/job.json       the stages: name, arguments of `intone`, what is removed after it
    JOB/state.json     this process's id, and how far each stage is
    JOB/progress.txt   the line that the stage at work shows
    JOB/log.txt        what the stages print; "== NAME" where one begins
    JOB/lock           locked for as long as this process or a stage lives

SIGINT to the group asks the stage at work to end, as Ctrl-C does: `run` writes a checkpoint. One
that has not ended after half a minute is terminated, then killed. A stage that fails ends all.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from intone.audio.durable import atomic_write_text
from intone.cli.progress import PROGRESS_VARIABLE

JOB_FILE, STATE_FILE, LOG_FILE, LOCK_FILE = "job.json", "state.json", "log.txt", "lock"
PROGRESS_FILE = "progress.txt"
HEADING = "== "

PATIENCE_S = 30.0
"""For a checkpoint to be written, then for what was begun to be cleared away."""

_LOOK_EVERY_S = 0.1

_NICENESS = 5
"""Whoever speaks on the page meanwhile goes first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One command of a job."""

    name: str
    argv: Sequence[str]
    """Of `intone`, without the program's name."""
    clears: str | None = None
    """A directory that an earlier attempt may have left; removed before the stage."""
    removes: str | None = None
    """A directory that is not needed after the stage, however it ends."""

    def to_json(self) -> dict[str, Any]:
        """Returns what `from_json` reads."""
        return {
            "name": self.name,
            "argv": list(self.argv),
            "clears": self.clears,
            "removes": self.removes,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Stage:
        """Reads what `to_json` wrote."""
        return cls(**data)


class Chain:
    """The stages of one job, and how far they are."""

    def __init__(self, directory: Path, lock: int) -> None:
        """Reads the stages; `lock` is the descriptor that says "at work" while it is open."""
        self._directory, self._lock = directory, lock
        told = json.loads((directory / JOB_FILE).read_text(encoding="utf-8"))
        self._stages = [Stage.from_json(each) for each in told["stages"]]
        self._states: list[dict[str, Any]] = [
            {"state": "waiting", "started_at": None, "ended_at": None, "exit_code": None}
            for _ in self._stages
        ]
        self._is_stopping = False

    def run(self) -> int:
        """Returns the exit code of the last stage that ran."""
        self._write()
        code = 0
        for i, stage in enumerate(self._stages):
            code = self._run_stage(i, stage)
            if code != 0 or self._is_stopping:
                break
        return code

    def ask_to_stop(self, signum: int, frame: FrameType | None) -> None:
        """Notes the wish to end; a signal handler. The stage is told with the whole group."""
        self._is_stopping = True

    def _run_stage(self, i: int, stage: Stage) -> int:
        (self._directory / PROGRESS_FILE).unlink(missing_ok=True)
        _remove(stage.clears)
        print(f"{HEADING}{stage.name}", flush=True)
        self._states[i] |= {"state": "running", "started_at": time.time()}
        self._write()
        try:
            code = self._code_of(stage)
        finally:
            _remove(stage.removes)
        state = "done" if code == 0 else "stopped" if self._is_stopping else "failed"
        self._states[i] |= {"state": state, "ended_at": time.time(), "exit_code": code}
        self._write()
        return code

    def _code_of(self, stage: Stage) -> int:
        if self._is_stopping:
            return 130
        environ = os.environ | {
            PROGRESS_VARIABLE: str(self._directory / PROGRESS_FILE),
            "PYTHONUNBUFFERED": "1",
        }
        argv = [sys.executable, "-m", "intone", *stage.argv]
        process = subprocess.Popen(argv, env=environ, pass_fds=(self._lock,))
        if self._shall_stop():  # asked while the stage was on its way into the group
            process.send_signal(signal.SIGINT)
        while True:
            try:
                return process.wait(timeout=_LOOK_EVERY_S)
            except subprocess.TimeoutExpired:
                if self._shall_stop():
                    return self._insist(process)

    def _shall_stop(self) -> bool:
        """Returns whether a signal came, perhaps since it was last asked."""
        return self._is_stopping

    def _insist(self, process: subprocess.Popen[bytes]) -> int:
        self._write()
        for end in (process.terminate, process.kill):
            try:
                return process.wait(timeout=PATIENCE_S)
            except subprocess.TimeoutExpired:
                end()
        return process.wait()

    def _write(self) -> None:
        data = {"pid": os.getpid(), "is_stopping": self._is_stopping, "stages": self._states}
        atomic_write_text(self._directory / STATE_FILE, json.dumps(data) + "\n")


def _remove(directory: str | None) -> None:
    if directory is not None:
        shutil.rmtree(directory, ignore_errors=True)


def main(argv: Sequence[str]) -> int:
    """Runs the job in the directory argv[0]; argv[1] is the descriptor of its lock."""
    chain = Chain(Path(argv[0]), int(argv[1]))
    signal.signal(signal.SIGINT, chain.ask_to_stop)
    signal.signal(signal.SIGTERM, chain.ask_to_stop)
    os.nice(_NICENESS)
    return chain.run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
