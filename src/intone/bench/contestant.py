"""One process that makes takes on demand, seen from the side that measures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryFile
from types import TracebackType
from typing import Any, Self

from intone.bench.job import BenchJob
from intone.core.constants import FRAME_S
from intone.core.errors import BenchError

PEER_SCRIPT = Path(__file__).with_name("peer_worker.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What one contestant needed; times are medians over takes, milliseconds per frame."""

    rtf: float
    """Audio seconds of all streams per wall second."""
    ttfa_s: float
    """Of the slowest stream."""
    frame_ms: float
    """Wall time per frame; the next five add up to it."""
    prefill_ms: float
    talker_ms: float
    code_predictor_ms: float
    codec_ms: float
    other_ms: float
    import_s: float
    load_s: float
    rss_mb: float | None
    """Resident after loading; mapped files count only where they were read."""
    peak_rss_mb: float
    first_ttfa_s: float
    """Of the very first take of the process."""
    versions: dict[str, str] = field(default_factory=dict)


class Contestant:
    """A worker process: started on entering, fed with `take`, ended by `figures`."""

    def __init__(self, name: str, command: list[str], job: BenchJob) -> None:
        self.name = name
        self._job = job
        self._command = [*command, job.to_json()]
        self._takes: list[dict[str, float]] = []

    @classmethod
    def intone(cls, job: BenchJob) -> Contestant:
        """Returns Intone, in the Python that runs this."""
        return cls("intone", [sys.executable, "-m", "intone.bench.worker"], job)

    @classmethod
    def qwen_tts(cls, job: BenchJob, python: Path) -> Contestant:
        """Returns the public package, in the Python that has it installed."""
        return cls("qwen-tts", [str(python), str(PEER_SCRIPT)], job)

    def __enter__(self) -> Self:
        self._log = TemporaryFile("w+", errors="replace")
        try:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                text=True,
                env=_environment(self._job.threads),
            )
        except OSError as error:
            self._log.close()
            raise BenchError(f"{self._command[0]} cannot be started: {error}.") from error
        try:
            self._ready = self._read()
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

    def take(self) -> None:
        """Makes one take (of all streams) and keeps its figures."""
        assert self._process.stdin is not None
        self._process.stdin.write("take\n")
        self._process.stdin.flush()
        self._takes.append(self._read())

    def figures(self) -> Figures:
        """Ends the process and returns medians; the first take warmed it up and is left out."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        peak = self._read()
        return summarise(self._job, self._ready, self._takes, peak["peak_rss_mb"])

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._log.seek(0)
            trace = self._log.read().strip().splitlines()
            raise BenchError(f"{self.name} failed: {trace[-1] if trace else 'no message'}")
        reply: dict[str, Any] = json.loads(line)
        return reply


def summarise(
    job: BenchJob, ready: dict[str, Any], takes: list[dict[str, float]], peak_rss_mb: float
) -> Figures:
    """Returns the medians of all takes but the first."""
    num_frames = job.num_frames * job.num_streams
    measured = takes[1:]

    def per_frame_ms(name: str) -> float:
        return median(take[name] for take in measured) * 1000 / num_frames

    stages = {
        stage: per_frame_ms(f"{stage}_s")
        for stage in ("prefill", "talker", "code_predictor", "codec")
    }
    frame_ms = per_frame_ms("wall_s")
    return Figures(
        rtf=FRAME_S * 1000 / frame_ms,
        ttfa_s=median(take["ttfa_s"] for take in measured),
        frame_ms=frame_ms,
        **{f"{stage}_ms": value for stage, value in stages.items()},
        other_ms=frame_ms - sum(stages.values()),
        import_s=ready["import_s"],
        load_s=ready["load_s"],
        rss_mb=ready["rss_mb"],
        peak_rss_mb=peak_rss_mb,
        first_ttfa_s=takes[0]["ttfa_s"],
        versions=ready["versions"],
    )


def _environment(threads: int) -> dict[str, str]:
    return {
        **os.environ,
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }
