"""Figures as a table to read and as JSON to keep."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from intone.bench.contestant import Figures
from intone.bench.job import BenchJob
from intone.bench.machine import Machine
from intone.core.errors import OutputError

_BUSY_LOAD = 0.5

_ROWS: tuple[tuple[str, Callable[[Figures], float | None], str, bool], ...] = (
    ("real time", lambda f: f.rtf, "{:.2f}x", True),
    ("TTFA, s", lambda f: f.ttfa_s, "{:.3f}", False),
    ("TTFA of the first take, s", lambda f: f.first_ttfa_s, "{:.3f}", False),
    ("ms per frame", lambda f: f.frame_ms, "{:.1f}", False),
    ("  prefill", lambda f: f.prefill_ms, "{:.1f}", False),
    ("  talker", lambda f: f.talker_ms, "{:.1f}", False),
    ("  code predictor", lambda f: f.code_predictor_ms, "{:.1f}", False),
    ("  codec", lambda f: f.codec_ms, "{:.1f}", False),
    ("  other", lambda f: f.other_ms, "{:.1f}", False),
    ("import, s", lambda f: f.import_s, "{:.2f}", False),
    ("load, s", lambda f: f.load_s, "{:.2f}", False),
    ("memory after loading, MB", lambda f: f.rss_mb, "{:.0f}", False),
    ("peak memory, MB", lambda f: f.peak_rss_mb, "{:.0f}", False),
)
"""Label, figure, format, and whether more is better."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One setting, measured on one machine for one or two contestants."""

    job: BenchJob
    machine: Machine
    date: str
    """ISO 8601."""
    num_takes: int
    """Measured takes per contestant, after one to warm up."""
    figures: dict[str, Figures]
    """By contestant, Intone first."""

    def to_json(self) -> str:
        """Returns the report as indented JSON; of the model's path only its name."""
        report = replace(self, job=replace(self.job, model=Path(self.job.model).name))
        return json.dumps(asdict(report), indent=2) + "\n"

    def save(self, path: Path) -> None:
        """Writes the JSON; raises OutputError."""
        try:
            path.write_text(self.to_json(), encoding="utf-8")
        except OSError as error:
            raise OutputError(f"{path} cannot be written: {error}.") from error

    def __str__(self) -> str:
        return "\n".join([*self._head(), "", *self._table()])

    def _head(self) -> list[str]:
        job = self.job
        chunks = f"chunks of {job.chunk_frames}" if job.chunk_frames else "chunks 1, 2, 4, 8"
        streams = f"{job.num_streams} stream{'s' if job.num_streams > 1 else ''}"
        lines = [
            f"{Path(job.model).name}: {job.device}, {job.dtype}, {job.threads} threads, {streams}, "
            f"{job.num_frames} frames, {chunks}, median of {self.num_takes}",
            str(self.machine),
            *(
                f"{name}: " + ", ".join(f"{k} {v}" for k, v in figures.versions.items())
                for name, figures in self.figures.items()
            ),
        ]
        load = self.machine.load_average
        if load is not None and load > _BUSY_LOAD:
            lines.append(f"The machine was busy (load {load}): do not quote these figures.")
        return lines

    def _table(self) -> list[str]:
        names = list(self.figures)
        head = [*names, "ratio"] if len(names) == 2 else names
        lines = [f"{'':<26}" + "".join(f"{name:>11}" for name in head)]
        for label, figure, form, more_is_better in _ROWS:
            values = [figure(self.figures[name]) for name in names]
            cells = ["-" if value is None else form.format(value) for value in values]
            if len(names) == 2:
                cells.append(_ratio(values[0], values[1], more_is_better))
            lines.append(f"{label:<26}" + "".join(f"{cell:>11}" for cell in cells))
        return lines


def _ratio(ours: float | None, theirs: float | None, more_is_better: bool) -> str:
    """Returns how many times better ours is; above 1 is in our favour."""
    if not ours or not theirs:
        return "-"
    return f"{ours / theirs if more_is_better else theirs / ours:.2f}"
