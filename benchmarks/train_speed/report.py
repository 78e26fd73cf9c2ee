"""Figures of a comparison as a table to read and as JSON to keep."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from benchmarks.train_speed.sides import ProcessFigures

from intone.bench.machine import Machine
from intone.core.errors import OutputError


@dataclass(frozen=True, slots=True, kw_only=True)
class SideFigures:
    """One side over all its processes; the first step of each warmed up and is left out."""

    step_s: float
    """Median."""
    cpu_s: float
    """Median processor time of a step."""
    frames_per_s: float
    """Median over steps of target frames per wall second; a frame is 80 ms of speech."""
    peak_rss_mb: float
    """Of the largest process."""
    options: list[str]
    processes: list[ProcessFigures]

    @classmethod
    def of(cls, processes: Sequence[ProcessFigures], options: Sequence[str]) -> SideFigures:
        """Returns medians and the figures that they come from."""
        steps = [
            (seconds, frames)
            for process in processes
            for seconds, frames in zip(process.step_s[1:], process.frames[1:], strict=True)
        ]
        return cls(
            step_s=median(seconds for seconds, _ in steps),
            cpu_s=median(s for process in processes for s in process.cpu_s[1:]),
            frames_per_s=median(frames / seconds for seconds, frames in steps),
            peak_rss_mb=max(process.peak_rss_mb for process in processes),
            options=list(options),
            processes=list(processes),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What was measured, where, and what came of it."""

    model: str
    rows_per_step: int
    num_rows: int
    row_s: tuple[float, float]
    """Shortest and longest utterance, seconds."""
    threads: int
    upstream_commit: str
    replacements: list[str]
    machine: Machine
    loads: list[float]
    """One-minute load before each process; figures of a busy machine are not to be quoted."""
    date: str
    """ISO 8601."""
    figures: dict[str, SideFigures]
    """The public script first."""

    def save(self, path: Path) -> None:
        """Writes JSON; raises OutputError."""
        try:
            path.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")
        except OSError as error:
            raise OutputError(f"{path} cannot be written: {error}.") from error

    def __str__(self) -> str:
        shortest, longest = self.row_s
        lines = [
            f"{self.model}: {self.rows_per_step} rows a step, {shortest:g} to {longest:g} s, "
            f"{self.threads} threads, load before each process {self.loads}",
            str(self.machine),
            "",
            f"{'':<34}{'s/step':>9}{'CPU s':>8}{'frames/s':>10}{'factor':>8}{'peak MB':>9}",
        ]
        base = next(iter(self.figures.values()))
        for name, side in self.figures.items():
            factor = side.frames_per_s / base.frames_per_s
            lines.append(
                f"{name:<34}{side.step_s:>9.2f}{side.cpu_s:>8.1f}{side.frames_per_s:>10.2f}{factor:>7.2f}x"
                f"{side.peak_rss_mb:>9.0f}"
            )
        return "\n".join(lines)
