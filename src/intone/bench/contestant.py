"""One process that makes takes on demand, seen from the side that measures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryFile
from time import perf_counter
from types import MappingProxyType, TracebackType
from typing import Any, Self

from intone.bench.figures import Figures, summarise
from intone.bench.job import BenchJob
from intone.core.errors import BenchError

PEER_SCRIPT = Path(__file__).with_name("peer_worker.py")


class Contestant:
    """A worker process: started on entering, fed with `take`, ended by `figures`."""

    def __init__(
        self,
        name: str,
        command: list[str],
        job: BenchJob,
        variables: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Remembers what to start.

        Args:
            command: takes the job as its last argument, and keeps the protocol of `figures.py`.
            variables: environment of the process, beside that of this one.
        """
        self.name = name
        self._job = job
        self._command = [*command, job.to_json()]
        self._variables = variables
        self._takes: list[dict[str, Any]] = []
        self.ready: Mapping[str, Any] = {}
        """Its first line, once it is started."""

    @classmethod
    def intone(
        cls, job: BenchJob, variables: Mapping[str, str] = MappingProxyType({})
    ) -> Contestant:
        """Returns Intone, in the Python that runs this."""
        return cls("intone", [sys.executable, "-m", "intone.bench.worker"], job, variables)

    @classmethod
    def qwen_tts(cls, job: BenchJob, python: Path) -> Contestant:
        """Returns the public package, in the Python that has it installed."""
        return cls("qwen-tts", [str(python), str(PEER_SCRIPT)], job)

    @classmethod
    def c_engine(cls, job: BenchJob, binary: Path) -> Contestant:
        """Returns the C engine; a small process of ours starts it once for every take."""
        worker = [sys.executable, "-m", "intone.bench.c_engine_worker", str(binary)]
        return cls("c-engine", worker, job)

    def __enter__(self) -> Self:
        self._log = TemporaryFile("w+", errors="replace")
        started = perf_counter()
        try:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                text=True,
                env={**_environment(self._job.threads), **self._variables},
            )
        except OSError as error:
            self._log.close()
            raise BenchError(f"{self._command[0]} cannot be started: {error}.") from error
        try:
            self.ready = self._read()
            self._ready_s = perf_counter() - started
        except BenchError:
            self._close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def _close(self) -> None:
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()
        self._process.wait()
        self._log.close()

    def take(self) -> Mapping[str, Any]:
        """Makes one take (of all streams), keeps its figures and returns them."""
        assert self._process.stdin is not None
        self._process.stdin.write("take\n")
        self._process.stdin.flush()
        self._takes.append(self._read())
        return self._takes[-1]

    def figures(self) -> Figures:
        """Ends the process and returns medians; the first take warmed it up and is left out."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        return summarise(self._job, self.ready, self._takes, self._read(), self._ready_s)

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._log.seek(0)
            trace = self._log.read().strip().splitlines()
            raise BenchError(f"{self.name} failed: {trace[-1] if trace else 'no message'}")
        reply: dict[str, Any] = json.loads(line)
        return reply


def _environment(threads: int) -> dict[str, str]:
    return {
        **os.environ,
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }
