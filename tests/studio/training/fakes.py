"""Jobs without processes, and what stages of training leave behind, written by their own code."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from tests.train.speech import save, silence, speech

from intone.cli import main
from intone.cli.studio_training.chain import JOB_FILE, LOG_FILE, PROGRESS_FILE, STATE_FILE
from intone.cli.studio_training.desk import TrainingHere
from intone.core.types import ModelKind
from intone.models.config import read_json
from intone.voices.library import VoiceLibrary

WORDS = "one two three four five six seven eight nine ten eleven twelve".split()

Checkpoints = Callable[[ModelKind], Path]


@dataclass(slots=True)
class FakeProcesses:
    """Implements `Processes`: a job is at work until a test says how it ended.

    A check is quick and torch-free, so it is really made, by the command itself.
    """

    running: set[Path] = field(default_factory=set)
    interrupted: list[Path] = field(default_factory=list)

    def start(self, job: Path) -> None:
        self.running.add(job)
        (job / STATE_FILE).unlink(missing_ok=True)
        for stage in stages_of(job):
            if stage["name"] == "check":
                code = main([*stage["argv"], "--processes", "1"])
                self.end(job, "done" if code == 0 else "failed")

    def is_running(self, job: Path) -> bool:
        return job in self.running

    def interrupt(self, job: Path) -> None:
        if job in self.running:
            self.interrupted.append(job)

    def tell(
        self, job: Path, states: Sequence[str], *, progress: str = "", is_stopping: bool = False
    ) -> None:
        """Says how far a job is."""
        now = time.time()
        told = [{"state": state, "started_at": now - 5, "ended_at": now} for state in states]
        data = {"pid": 1, "is_stopping": is_stopping, "stages": told}
        (job / STATE_FILE).write_text(json.dumps(data))
        if progress:
            (job / PROGRESS_FILE).write_text(progress + "\n")

    def end(self, job: Path, *states: str, log: str = "", is_stopping: bool = False) -> None:
        """Ends a job."""
        self.tell(job, states, is_stopping=is_stopping)
        with (job / LOG_FILE).open("a") as file:
            file.write(log)
        self.running.discard(job)


def stages_of(job: Path) -> list[dict[str, Any]]:
    """Returns what a job was asked to run."""
    stages: list[dict[str, Any]] = read_json(job / JOB_FILE)["stages"]
    return stages


def write_clips(folder: Path, count: int = 12) -> Path:
    """Writes clips of speech with their words, and one that is too short."""
    for i in range(count):
        sound = np.concatenate([silence(0.1), speech(1.6 + 0.05 * i, seed=i), silence(0.1)])
        save(folder / f"{i}.wav", sound)
        (folder / f"{i}.txt").write_text(f"This is number {WORDS[i]} of them.")
    save(folder / "short.wav", speech(0.2))
    (folder / "short.txt").write_text("Too short")
    return folder


def open_desk(
    home: Path, models: Mapping[str, Path], processes: FakeProcesses | None = None
) -> TrainingHere:
    """Returns a desk over a folder of a test."""
    library = VoiceLibrary(home / "voices")
    return TrainingHere.open(home / "training", library, lambda: models, processes)


def write_log(run: Path, steps: int, validations: Mapping[int, float]) -> None:
    """Writes a log as `train.tuning.run_log` has it."""
    run.mkdir(parents=True, exist_ok=True)
    lines: list[dict[str, Any]] = []
    for step, loss in validations.items():
        books = {f"codebook_{k}": loss + k / 10 for k in range(1, 16)}
        figures = {"loss": loss, "first": loss, "end_accuracy": 0.5, **books}
        lines.append({"kind": "validation", "step": step, **figures})
    for step in range(1, steps + 1):
        figures = {"loss": 3.0 - step / 100, "frames_per_s": 200.0, "peak_memory_bytes": 2 * 10**9}
        lines.append({"kind": "step", "step": step, **figures})
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (run / "log.jsonl").write_text(text)
