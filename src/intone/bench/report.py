"""Figures as a table to read and as JSON to keep."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from intone.bench.figures import Figures
from intone.bench.floors import Floors
from intone.bench.job import BenchJob
from intone.bench.machine import Machine
from intone.core.errors import OutputError

_BUSY_LOAD = 0.5
_BUSY_CPUS = 0.1

_ROWS: tuple[tuple[str, Callable[[Figures], float | None], str, bool], ...] = (
    ("real time", lambda f: f.rtf, "{:.2f}x", True),
    ("TTFA, s", lambda f: f.ttfa_s, "{:.3f}", False),
    ("TTFA of the first take, s", lambda f: f.first_ttfa_s, "{:.3f}", False),
    ("ms per frame", lambda f: f.frame_ms, "{:.1f}", False),
    ("  prefill", lambda f: f.prefill_ms, "{:.1f}", False),
    ("  talker", lambda f: f.talker_ms, "{:.1f}", False),
    ("  code predictor", lambda f: f.code_predictor_ms, "{:.1f}", False),
    ("  waiting or untimed", lambda f: f.waiting_ms, "{:.1f}", False),
    ("  codec", lambda f: f.codec_ms, "{:.1f}", False),
    ("  other", lambda f: f.other_ms, "{:.1f}", False),
    ("import, s", lambda f: f.import_s, "{:.2f}", False),
    ("load, s", lambda f: f.load_s, "{:.2f}", False),
    ("start to first audio, s", lambda f: f.first_audio_s, "{:.2f}", False),
    ("memory after loading, MB", lambda f: f.rss_mb, "{:.0f}", False),
    ("peak memory, MB", lambda f: f.peak_rss_mb, "{:.0f}", False),
    ("  at the end, its own, MB", lambda f: f.anonymous_mb, "{:.0f}", False),
    ("  at the end, mapped, MB", lambda f: f.file_mb, "{:.0f}", False),
)
"""Label, figure, format, and whether more is better."""

_FLOORS: Mapping[str, Callable[[Floors], float]] = {
    "real time": lambda f: f.rtf,
    "ms per frame": lambda f: f.frame_ms,
    "  talker": lambda f: f.talker_ms,
    "  code predictor": lambda f: f.code_predictor_ms,
    "  codec": lambda f: f.codec_ms,
}
"""By the label of their row."""

_LABEL_WIDTH, _WIDTH = 27, 13


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One setting, measured on one machine for Intone and any number of peers."""

    job: BenchJob
    machine: Machine
    date: str
    """ISO 8601."""
    num_takes: int
    """Measured takes per contestant, after one to warm up."""
    figures: dict[str, Figures]
    """By contestant, Intone first."""
    other_cpus: float | None = None
    """Processors that other programs kept busy during the takes, on average."""
    floors: Floors | None = None
    """Of Intone's precision; None where there are none (other devices), or none were wanted."""
    cold: Figures | None = None
    """Intone's first start, with nothing built and cached before."""

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
        return "\n".join([*self._head(), "", *self._table(), *self._cold()])

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
        if self.floors is not None:
            lines.append(_rates_line(self.floors))
        load = self.machine.load_average
        if load is not None and load > _BUSY_LOAD:
            lines.append(f"The machine was busy (load {load}): do not quote these figures.")
        if self.other_cpus is not None and self.other_cpus > _BUSY_CPUS:
            lines.append(
                f"Other programs kept {self.other_cpus:.2f} processors busy meanwhile: do not "
                "quote these figures."
            )
        return lines

    def _table(self) -> list[str]:
        """Contestants, then the floor, then how many times better Intone is than each peer."""
        names = list(self.figures)
        floor_head = [] if self.floors is None else ["floor"]
        lines = [_line("", [*names, *floor_head, *(f"vs {peer}" for peer in names[1:])])]
        lines.append(_line("precision", [figures.dtype for figures in self.figures.values()]))
        for label, figure, form, more_is_better in _ROWS:
            values = [figure(figures) for figures in self.figures.values()]
            cells = ["-" if value is None else form.format(value) for value in values]
            if self.floors is not None:
                floor = _FLOORS.get(label)
                cells.append("" if floor is None else form.format(floor(self.floors)))
            cells += [_ratio(values[0], theirs, more_is_better) for theirs in values[1:]]
            lines.append(_line(label, cells))
        return lines

    def _cold(self) -> list[str]:
        if self.cold is None:
            return []
        first, child_mb = self.cold, self.cold.children_peak_mb
        child = f", and {child_mb:.0f} MB in the largest process it started" if child_mb else ""
        return [
            "",
            f"First start, nothing built before: {first.first_audio_s:.2f} s to first audio, "
            f"peak memory {first.peak_rss_mb:.0f} MB{child}.",
        ]


def _rates_line(floors: Floors) -> str:
    rates, work = floors.rates, floors.work
    weights = (work.talker_weights + work.code_predictor_weights) / 1e9
    return (
        f"floor: {weights:.2f} G weights in {floors.dtype} and {work.codec_flop / 1e9:.2f} GFLOP a "
        f"frame, at {rates.read_gb_s:.1f} GB/s read and {rates.multiply_all_gflop_s:.0f} GFLOP/s "
        f"in fp32, both measured with {rates.num_threads} threads"
    )


def _line(label: str, cells: Sequence[str]) -> str:
    row = f"{label:<{_LABEL_WIDTH}}" + "".join(f"{cell:>{_WIDTH}}" for cell in cells)
    return row.rstrip()


def _ratio(ours: float | None, theirs: float | None, more_is_better: bool) -> str:
    """Returns how many times better ours is; above 1 is in our favour."""
    if not ours or not theirs:
        return "-"
    return f"{ours / theirs if more_is_better else theirs / ours:.2f}"
