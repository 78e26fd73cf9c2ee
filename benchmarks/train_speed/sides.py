"""The two trainers as processes: started, listened to, ended, and what they came to."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

from intone.core.errors import BenchError
from intone.train.tuning.run_log import read_log

PUBLIC_WORKER = Path(__file__).with_name("public_worker.py")
ACCUMULATION = 4
"""Micro-batches of a step in the public script, which has no option for it."""
_POLL_S = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What both sides train on."""

    model: Path
    """Base checkpoint."""
    public_rows: Path
    """Rows with codes, as the public script reads them."""
    encoded: Path
    """The same rows as `intone train encode` writes them."""
    rows_per_step: int
    num_steps: int
    """Of one process; as many as make one pass over the rows."""
    threads: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessFigures:
    """One process of one side."""

    step_s: list[float]
    """Wall time of every step, from the end of the one before; the first warms up."""
    cpu_s: list[float]
    """Processor time of every step, all threads; waiting for others does not count."""
    frames: list[int]
    """Target frames of every step."""
    peak_rss_mb: float
    """Of the whole process, loading included."""
    versions: dict[str, str] = field(default_factory=dict)


class Side(Protocol):
    """One trainer in one setting."""

    @property
    def name(self) -> str: ...

    def train(self, work: Workload) -> ProcessFigures:
        """Trains in a new process; raises BenchError when it fails."""
        ...


@dataclass(frozen=True, slots=True)
class PublicScript:
    """The public fine-tuning script with the replacements of `replacements.py`."""

    upstream: Path
    """Checkout of its repository."""
    python: Path
    """Interpreter that has qwen-tts installed."""
    name: str = "public script"

    def train(self, work: Workload) -> ProcessFigures:
        with TemporaryDirectory(prefix="train-speed-") as root:
            job, out = Path(root) / "job.json", Path(root) / "figures.json"
            job.write_text(json.dumps(self._job(work, Path(root))), encoding="utf-8")
            command = [str(self.python), str(PUBLIC_WORKER), str(job), str(out)]
            peak_rss_mb = _run(command, work.threads, Path(root) / "log", lambda pid: False)
            told: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
        return ProcessFigures(
            step_s=told["step_s"],
            cpu_s=told["cpu_s"],
            frames=told["frames"],
            peak_rss_mb=peak_rss_mb,
            versions=told["versions"],
        )

    def _job(self, work: Workload, root: Path) -> dict[str, Any]:
        return {
            "upstream": str(self.upstream),
            "model": str(work.model),
            "rows": str(work.public_rows),
            "out": str(root / "run"),
            "micro_rows": work.rows_per_step // ACCUMULATION,
            "learning_rate": 2e-6,
            "threads": work.threads,
            "seed": 0,
            "steps": work.num_steps,
        }


@dataclass(frozen=True, slots=True)
class Intone:
    """`intone train run` with some options, in the Python that runs this."""

    name: str
    options: Sequence[str]

    def train(self, work: Workload) -> ProcessFigures:
        with TemporaryDirectory(prefix="train-speed-") as root:
            watch = _LogWatch(Path(root) / "run", work.num_steps)
            command = [sys.executable, "-m", "intone", *self._arguments(work, watch.run)]
            peak_rss_mb = _run(command, work.threads, Path(root) / "log", watch.is_done)
            steps = [line for line in read_log(watch.run) if line["kind"] == "step"]
        return ProcessFigures(
            step_s=watch.step_s(),
            cpu_s=watch.cpu_s(),
            frames=[line["frames"] for line in steps[: work.num_steps]],
            peak_rss_mb=peak_rss_mb,
            versions={name: version(name) for name in ("intone", "accelerate", "torch")},
        )

    def _arguments(self, work: Workload, run: Path) -> list[str]:
        # One pass more than is measured: nothing is saved before the process is ended.
        arguments = ["train", "run", str(work.encoded), "--model", str(work.model)]
        arguments += ["--out", str(run), "--preset", "full", "--device", "cpu", "--epochs", "2"]
        return [*arguments, "--rows-per-step", str(work.rows_per_step), *self.options]


class _LogWatch:
    """Takes the time of every new line of a run's log."""

    def __init__(self, run: Path, num_steps: int) -> None:
        self.run = run
        self._num_steps = num_steps
        self._seen_s: list[float] = []
        self._seen_cpu_s: list[float] = []

    def is_done(self, pid: int) -> bool:
        """Looks once; returns whether all steps have been made."""
        log = self.run / "log.jsonl"
        if log.exists():
            made = log.read_bytes().count(b"\n")
            while len(self._seen_s) <= made:  # the file is made empty when training begins
                self._seen_s.append(time.perf_counter())
                self._seen_cpu_s.append(_cpu_s(pid))
        return len(self._seen_s) > self._num_steps

    def step_s(self) -> list[float]:
        """Returns the wall time of every step."""
        return self._steps(self._seen_s)

    def cpu_s(self) -> list[float]:
        """Returns the processor time of every step."""
        return self._steps(self._seen_cpu_s)

    def _steps(self, times_s: list[float]) -> list[float]:
        return [end - start for start, end in pairwise(times_s)][: self._num_steps]


def _cpu_s(pid: int) -> float:
    """Returns the processor time of a process so far; NaN where /proc is absent."""
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        return math.nan
    user, system = stat.read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _run(command: list[str], threads: int, log: Path, is_done: Callable[[int], bool]) -> float:
    """Runs a process until it or `is_done` ends it; returns its peak memory in MB (10**6 bytes)."""
    with log.open("w+", encoding="utf-8", errors="replace") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env=_environment(threads)
        )
        was_ended = False
        try:
            while True:
                pid, status, usage = os.wait4(process.pid, os.WNOHANG)
                if pid:
                    break
                if not was_ended and is_done(process.pid):
                    process.kill()
                    was_ended = True
                time.sleep(_POLL_S)
        except BaseException:  # a trainer that nobody listens to would take the machine's time
            process.kill()
            raise
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode and not was_ended:
            output.seek(0)
            trace = output.read().strip().splitlines()[-1:]
            raise BenchError(f"{command[1]} failed: {trace[0] if trace else 'no message'}")
    unit = 1 if sys.platform == "darwin" else 1024
    return usage.ru_maxrss * unit / 1e6


def _environment(threads: int) -> dict[str, str]:
    return {
        **os.environ,
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }
