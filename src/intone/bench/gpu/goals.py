"""What is aimed at on an H200-class GPU with the 1.7B model, and whether it was reached."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from intone.bench.gpu.results import Results, Row

NOT_MEASURED = "not measured"


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """One figure, with what is to be reached first and in the end."""

    name: str
    part: str
    row: Mapping[str, Any]
    """Fields of the row that holds the figure."""
    figure: Callable[[Row], float | None]
    unit: str
    first: float
    top: float
    more_is_better: bool = True
    needs_gpu: bool = True
    """And the 1.7B model; the host's side is of no model."""

    def value(self, results: Results) -> float | None:
        """Returns the figure, of a 1.7B model on a GPU; None where there is none."""
        if self.needs_gpu and not results.device.is_gpu:
            return None
        for model, entry in results.parts.get(self.part, {}).items():
            if self.needs_gpu and not model.startswith("1.7b"):
                continue
            for row in entry.figures:
                if all(row[name] == value for name, value in self.row.items()):
                    return self.figure(row)
        return None

    def verdict(self, results: Results) -> str:
        """Returns "reached", "first goal reached", "not reached" or "not measured"."""
        value = self.value(results)
        if value is None:
            return NOT_MEASURED
        if self._reaches(value, self.top):
            return "reached"
        return "first goal reached" if self._reaches(value, self.first) else "not reached"

    def _reaches(self, value: float, goal: float) -> bool:
        return value >= goal if self.more_is_better else value <= goal


GOALS: Sequence[Goal] = (
    Goal(
        name="one stream, chunks of 8",
        part="single",
        row={"chunk_frames": 8},
        figure=lambda row: row["rtf"],
        unit="x real time",
        first=9,
        top=15,
    ),
    Goal(
        name="one stream, TTFA p50, chunks of 1",
        part="single",
        row={"chunk_frames": 1},
        figure=lambda row: row["ttfa_p50_ms"],
        unit="ms",
        first=50,
        top=27,
        more_is_better=False,
    ),
    Goal(
        name="16 streams",
        part="streams",
        row={"num_streams": 16},
        figure=lambda row: row["audio_s_per_s"],
        unit="audio s/s",
        first=90,
        top=160,
    ),
    Goal(
        name="64 streams",
        part="streams",
        row={"num_streams": 64},
        figure=lambda row: row["audio_s_per_s"],
        unit="audio s/s",
        first=150,
        top=350,
    ),
    Goal(
        name="10 requests/s, TTFA p95",
        part="open-loop",
        row={"rate_hz": 10.0},
        figure=lambda row: 1000 * row["ttfa_s"]["p95"] if row["ttfa_s"] else None,
        unit="ms",
        first=135,
        top=50,
        more_is_better=False,
    ),
    Goal(
        name="host's side of a frame of 64 streams",
        part="host",
        row={"num_streams": 64},
        figure=lambda row: row["p50_ms"],
        unit="ms",
        first=1,
        top=1,
        more_is_better=False,
        needs_gpu=False,
    ),
)
