"""Histograms as PNG bytes, drawn by matplotlib without its global state."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from intone.core.errors import MissingDependencyError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_KEPT, _REJECTED, _LIMIT = "#2f6f9f", "#d9822b", "#555555"
_SIZE_INCHES = (5.2, 3.2)
_DPI = 110
_MAX_BINS = 60
_WIDEST_PERCENTILES = (0.5, 99.5)
_FEW = 200


@dataclass(frozen=True, slots=True)
class Histogram:
    """One measurement of all clips."""

    name: str
    """Of its file."""
    title: str
    unit: str
    kept: Sequence[float]
    rejected: Sequence[float]
    limits: Sequence[float]
    """Drawn as lines."""


def require_matplotlib() -> None:
    """Raises MissingDependencyError where matplotlib is absent: before an hour of measuring."""
    _figure()


def draw_histogram(histogram: Histogram) -> bytes:
    """Returns the PNG: kept and rejected rows stacked, limits as lines.

    The axis leaves out half a percent on both sides, so that one odd clip does not squeeze the
    rest; the title says how many are off it.
    """
    figure = _figure()
    axes = figure.subplots()
    values = np.array([*histogram.kept, *histogram.rejected])
    edges = _edges(values[np.isfinite(values)])
    inside = [[v for v in group if edges[0] <= v <= edges[-1]] for group in _groups(histogram)]
    axes.hist(inside, bins=edges, stacked=True, color=[_KEPT, _REJECTED], label=_labels(histogram))
    for limit in histogram.limits:
        if edges[0] <= limit <= edges[-1]:
            axes.axvline(limit, color=_LIMIT, linestyle="--", linewidth=1)
    outside = len(values) - sum(map(len, inside))
    axes.set_title(histogram.title + (f" ({outside} off the axis)" if outside else ""))
    axes.set_xlabel(histogram.unit)
    axes.set_ylabel("rows")
    figure.legend(loc="outside lower right", ncols=2, frameon=False)
    return _png(figure)


def draw_counts(title: str, counts: Mapping[str, int]) -> bytes:
    """Returns the PNG of one bar per name, the largest on top."""
    figure = _figure()
    axes = figure.subplots()
    names = sorted(counts, key=lambda name: counts[name])
    bars = axes.barh(names, [counts[name] for name in names], color=_REJECTED)
    axes.bar_label(bars, padding=3)
    axes.set_title(title)
    axes.margins(x=0.12)
    return _png(figure)


def _groups(histogram: Histogram) -> tuple[Sequence[float], Sequence[float]]:
    return histogram.kept, histogram.rejected


def _labels(histogram: Histogram) -> list[str]:
    return [f"kept {len(histogram.kept)}", f"rejected {len(histogram.rejected)}"]


def _edges(values: npt.NDArray[np.float64]) -> list[float]:
    """Returns the bins' edges; a few values are shown whole, many without their far ends."""
    if not len(values):
        return [0.0, 1.0]
    ends = (0, 100) if len(values) <= _FEW else _WIDEST_PERCENTILES
    low, high = (float(end) for end in np.percentile(values, ends))
    if high <= low:
        low, high = low - 0.5, high + 0.5
    num_bins = min(_MAX_BINS, max(10, round(2 * math.sqrt(len(values)))))
    return [float(edge) for edge in np.linspace(low, high, num_bins + 1)]


def _figure() -> Figure:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingDependencyError(
            "the report's histograms need matplotlib; run: pip install 'intone[train]', "
            "or leave the report out with --no-report."
        ) from error
    return Figure(figsize=_SIZE_INCHES, dpi=_DPI, layout="constrained")


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()
