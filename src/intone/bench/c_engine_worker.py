"""The C engine's side of a measurement: `python -m intone.bench.c_engine_worker BINARY JOB`.

The engine is github.com/gabriele-mastrapasqua/qwen3-tts, built by hand (`benchmarks/README.md`). It
is a command, so every take is a process that loads anew; its times are those it prints itself, its
memory is what the kernel says of the process. Nothing heavy is imported here: a child's peak, as
the kernel counts it, includes that of the process that started it.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from intone.bench.c_engine_output import parse_take
from intone.bench.job import BenchJob
from intone.bench.memory import ProcessMemory, peak_mb_of
from intone.core.errors import BenchError, IntoneError, InvalidSettingError
from intone.models.config import ModelConfig, read_json

_FLAGS = {"bf16": (), "int8": ("--int8",), "int4": ("--int4",)}
_NEAREST = {"auto": "int8", "fp32": "bf16", "fp16": "bf16"}


@dataclass(slots=True)
class CEngine:
    """The command for one job, and the memory that its processes have taken so far."""

    binary: Path
    job: BenchJob
    speaker: str
    peak_rss_mb: float = 0.0
    last: ProcessMemory | None = field(default=None)
    """Of the latest process, when it had made its frames."""

    @classmethod
    def of(cls, binary: Path, job: BenchJob) -> CEngine:
        """Raises InvalidSettingError for what this engine cannot be measured with."""
        config = ModelConfig.from_dict(read_json(Path(job.model) / "config.json"))
        if config.kind != "custom":
            raise InvalidSettingError(
                f"the checkpoint's kind is {config.kind!r}; the C engine is measured with preset "
                "speakers only: take a CustomVoice checkpoint, e.g. --random 0.6b-custom."
            )
        return cls(binary, job, config.speakers[0])

    @property
    def dtype(self) -> str:
        """The precision it runs in: the job's, or the nearest that it has."""
        return _NEAREST.get(self.job.dtype, self.job.dtype)

    def command(self, out: Path) -> list[str]:
        """Returns the command line of one take, greedy as the engine is fastest."""
        job = self.job
        # Its own chunks where takes are streamed; else one file, decoded beside the frames as well.
        stream = () if job.chunk_frames else ("--stream",)
        paths = ("-d", job.model, "-o", str(out))
        what = ("--text", job.text, "-s", self.speaker, "-l", "English", "--temperature", "0")
        limits = ("--seed", "42", "--max-tokens", str(job.num_frames), "-j", str(job.threads))
        return [str(self.binary), *paths, *what, *limits, *_FLAGS[self.dtype], *stream]

    def take(self) -> dict[str, float | None]:
        """Runs one process and returns its figures.

        Raises:
            BenchError: it failed, or stopped before all frames were made.
        """
        with TemporaryDirectory(prefix="intone-bench-") as root:
            started = perf_counter()
            process = subprocess.Popen(
                self.command(Path(root) / "take.wav"),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
            )
            lines, loaded_s = self._listen(process, started)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise BenchError(f"{self.binary.name} ended with {process.returncode}: {lines[-1:]}")
        self.peak_rss_mb = max(self.peak_rss_mb, peak_mb_of(usage))
        take = parse_take(lines, self.job.num_frames, is_stream=self.job.chunk_frames is None)
        return {**take, "start_s": loaded_s}

    def _listen(self, process: subprocess.Popen[str], started: float) -> tuple[list[str], float]:
        """Reads what the engine prints; returns the lines and when it had loaded."""
        assert process.stderr is not None
        lines, loaded_s = [], 0.0
        with process.stderr:
            for line in process.stderr:
                lines.append(line)
                if line.startswith("Model loaded"):
                    loaded_s = perf_counter() - started
                if line.lstrip().startswith("Generated"):  # its codec still works: it lives
                    self.last = ProcessMemory.of(process.pid)
        return lines, loaded_s


def main(arguments: Sequence[str]) -> None:
    """Serves takes until standard input ends."""
    binary, job = Path(arguments[0]), BenchJob.from_json(arguments[1])
    engine = CEngine.of(binary, job)
    _write(
        {
            "dtype": engine.dtype,
            "is_pipeline": True,
            "import_s": None,
            "load_s": None,
            "rss_mb": None,
            "versions": {"binary": hashlib.sha256(binary.read_bytes()).hexdigest()[:12]},
        }
    )
    for _ in sys.stdin:
        _write(engine.take())
    last = engine.last
    _write(
        {
            "peak_rss_mb": engine.peak_rss_mb,
            "anonymous_mb": last.anonymous_mb if last else None,
            "file_mb": last.file_mb if last else None,
            "children_peak_mb": 0.0,
        }
    )


def _write(reply: Mapping[str, object]) -> None:
    print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except IntoneError as error:
        sys.exit(str(error))
