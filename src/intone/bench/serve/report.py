"""Levels of load as a table to read and as JSON to keep."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from intone.bench.machine import Machine
from intone.bench.serve.load import Answer
from intone.core.errors import OutputError

_PERCENTILES = (50, 95, 99)


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One rate of arrivals."""

    rate_hz: float
    duration_s: float
    """For so long requests arrived; those that were under way then were heard to their end."""
    seed: int
    """Of the arrivals."""
    num_requests: int
    num_ok: int
    num_refused: int
    """Sent away with 429 or 503."""
    num_failed: int
    success_rate: float
    """Of all that arrived."""
    ttfa_s: Mapping[str, float]
    """Percentiles of when the first audible sample is heard, since the request was due."""
    first_byte_s: Mapping[str, float]
    underrun_rate: float
    """Of the streams that were heard, those with a hole."""
    stalled_s: float
    """All holes of all streams."""
    audio_s: float
    audio_per_s: float
    """Audio seconds of all streams per wall second."""


def level_of(
    rate_hz: float, duration_s: float, seed: int, answers: Sequence[Answer], wall_s: float
) -> Level:
    """Returns the figures of one rate.

    Args:
        wall_s: from the first arrival's clock to the end of the last stream.
    """
    ok = [answer for answer in answers if answer.outcome == "ok"]
    audio_s = sum(answer.heard.audio_s for answer in answers)
    return Level(
        rate_hz=rate_hz,
        duration_s=duration_s,
        seed=seed,
        num_requests=len(answers),
        num_ok=len(ok),
        num_refused=sum(answer.outcome == "refused" for answer in answers),
        num_failed=sum(answer.outcome == "failed" for answer in answers),
        success_rate=len(ok) / max(1, len(answers)),
        ttfa_s=_percentiles([a.heard.audible_s for a in ok]),
        first_byte_s=_percentiles([a.heard.first_byte_s for a in ok]),
        underrun_rate=sum(a.heard.num_underruns > 0 for a in ok) / max(1, len(ok)),
        stalled_s=round(sum(a.heard.stalled_s for a in ok), 3),
        audio_s=round(audio_s, 2),
        audio_per_s=round(audio_s / wall_s, 3),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadReport:
    """A server at several rates, on one machine that ran the clients too."""

    server: str
    body: Mapping[str, Any]
    machine: Machine
    date: str
    """ISO 8601."""
    levels: tuple[Level, ...]

    def save(self, path: Path) -> None:
        """Writes the JSON; raises OutputError."""
        try:
            path.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            raise OutputError(f"{path} cannot be written: {error}.") from error

    def __str__(self) -> str:
        head = (
            f"{'rate/s':>7}{'sent':>6}{'ok':>6}{'busy':>6}{'bad':>5}"
            f"{'TTFA p50':>10}{'p95':>8}{'p99':>8}{'holes':>8}{'audio s/s':>11}"
        )
        return "\n".join([self.server, str(self.machine), "", head, *map(_row, self.levels)])


def _row(level: Level) -> str:
    ttfa = [level.ttfa_s.get(f"p{percent}") for percent in _PERCENTILES]
    shown = ["-" if value is None else f"{value:.3f}" for value in ttfa]
    return (
        f"{level.rate_hz:>7g}{level.num_requests:>6}{level.num_ok:>6}{level.num_refused:>6}"
        f"{level.num_failed:>5}{shown[0]:>10}{shown[1]:>8}{shown[2]:>8}"
        f"{level.underrun_rate:>8.0%}{level.audio_per_s:>11.2f}"
    )


def _percentiles(values: Sequence[float | None]) -> dict[str, float]:
    known = [value for value in values if value is not None]
    if not known:
        return {}
    found = np.percentile(known, _PERCENTILES)
    return {
        f"p{percent}": round(float(v), 4) for percent, v in zip(_PERCENTILES, found, strict=True)
    }
