"""Losses and durations as pictures: SVG that takes its colours from the page, light or dark."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from intone.studio.training.desk import Curves, Point

_WIDTH, _HEIGHT = 480, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 10, 10, 30
_BARS_HEIGHT = 160
"""Of a histogram."""

_SMALL_WIDTH, _SMALL_HEIGHT = 120, 60
_NUM_TICKS = 4
_NUM_BINS = 16


@dataclass(frozen=True, slots=True)
class _Scale:
    """From steps and losses to places in the picture."""

    last_step: int
    low: float
    high: float
    width: float = _WIDTH - _LEFT - _RIGHT
    height: float = _HEIGHT - _TOP - _BOTTOM
    left: float = _LEFT
    top: float = _TOP

    def x(self, step: float) -> float:
        return self.left + self.width * step / max(1, self.last_step)

    def y(self, loss: float) -> float:
        return self.top + self.height * (self.high - loss) / (self.high - self.low)

    def line(self, points: Sequence[Point]) -> str:
        """Returns the points of an SVG polyline."""
        return " ".join(f"{self.x(p.step):.1f},{self.y(p.loss):.1f}" for p in points)


def loss_picture(curves: Curves, num_steps: int | None) -> str:
    """Returns training and validation losses over steps; empty before there is a figure.

    Args:
        num_steps: of the whole run, so that the picture shows what is still to come.
    """
    shown = [*curves.train, *curves.validation]
    if not shown:
        return ""
    low, high = _range([point.loss for point in shown])
    scale = _Scale(max(num_steps or 0, *(point.step for point in shown)), low, high)
    dots = "".join(
        f'<circle class="validation" cx="{scale.x(p.step):.1f}" cy="{scale.y(p.loss):.1f}" r="3.5">'
        f"<title>step {p.step}: {p.loss:.3f}</title></circle>"
        for p in curves.validation
    )
    return (
        f'<figure class="intone-curve"><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{escape(_said(curves))}">{_axes(scale)}'
        f'<polyline class="train" points="{scale.line(curves.train)}"/>'
        f'<polyline class="validation" points="{scale.line(curves.validation)}"/>{dots}</svg>'
        '<figcaption><span class="train">training</span><span class="validation">validation, '
        "on sentences held out</span></figcaption></figure>"
    )


def codebook_pictures(codebooks: Mapping[str, Sequence[Point]]) -> str:
    """Returns a small picture of validation loss for each codebook; empty without figures."""
    cells = "".join(_small(book, points) for book, points in codebooks.items() if points)
    return f'<div class="intone-smalls">{cells}</div>' if cells else ""


def _small(book: str, points: Sequence[Point]) -> str:
    low, high = _range([point.loss for point in points])
    scale = _Scale(points[-1].step, low, high, _SMALL_WIDTH - 8, _SMALL_HEIGHT - 8, 4, 4)
    first, last = points[0].loss, points[-1].loss
    said = f"Codebook {book}: {first:.2f} to {last:.2f}"
    return (
        f'<figure><svg viewBox="0 0 {_SMALL_WIDTH} {_SMALL_HEIGHT}" role="img" '
        f'aria-label="{said}"><polyline class="validation" points="{scale.line(points)}"/></svg>'
        f"<figcaption>{book}: {first:.2f} → {last:.2f}</figcaption></figure>"
    )


def duration_picture(kept_s: Sequence[float], refused_s: Sequence[float]) -> str:
    """Returns a histogram of clips' durations, refused ones on top; empty without clips."""
    values = [*kept_s, *refused_s]
    if not values:
        return ""
    top_s = max(1.0, math.ceil(max(values)))
    kept, refused = _counts(kept_s, top_s), _counts(refused_s, top_s)
    most = float(max(a + b for a, b in zip(kept, refused, strict=True)))
    scale = _Scale(_NUM_BINS, 0.0, most, height=_BARS_HEIGHT - _TOP - _BOTTOM)
    bars = "".join(
        _bar(scale, i, 0, count, "kept") + _bar(scale, i, count, count + more, "refused")
        for i, (count, more) in enumerate(zip(kept, refused, strict=True))
    )
    seconds = "".join(
        f'<text class="x" x="{scale.x(_NUM_BINS * share):.1f}" y="{_BARS_HEIGHT - 10}">'
        f"{_number(top_s * share)} s</text>"
        for share in (0.0, 0.5, 1.0)
    )
    said = f"Durations of {len(kept_s)} kept and {len(refused_s)} refused clips"
    return (
        f'<figure class="intone-curve"><svg viewBox="0 0 {_WIDTH} {_BARS_HEIGHT}" role="img" '
        f'aria-label="{said}">{_grid(scale, _whole_ticks(scale.high))}{bars}{seconds}</svg>'
        f'<figcaption><span class="kept">kept</span><span class="refused">refused</span>'
        "clips by duration</figcaption></figure>"
    )


def _counts(values: Sequence[float], top_s: float) -> list[int]:
    counts = [0] * _NUM_BINS
    for value in values:
        counts[min(_NUM_BINS - 1, int(_NUM_BINS * value / top_s))] += 1
    return counts


def _bar(scale: _Scale, i: int, low: int, high: int, tone: str) -> str:
    if high == low:
        return ""
    x, y = scale.x(i + 0.08), scale.y(high)
    size = f'width="{scale.x(i + 0.92) - x:.1f}" height="{scale.y(low) - y:.1f}"'
    return f'<rect class="{tone}" x="{x:.1f}" y="{y:.1f}" {size} rx="1.5"/>'


def _range(losses: Sequence[float]) -> tuple[float, float]:
    """Returns the ends of an axis: a little more than the figures, never nothing."""
    low, high = min(losses), max(losses)
    margin = max(0.05 * (high - low), 0.02)
    return max(0.0, low - margin), high + margin


def _axes(scale: _Scale) -> str:
    losses = [
        scale.low + (scale.high - scale.low) * i / (_NUM_TICKS - 1) for i in range(_NUM_TICKS)
    ]
    steps = sorted({round(scale.last_step * share) for share in (0.0, 0.5, 1.0)})
    words = "".join(
        f'<text class="x" x="{scale.x(step):.1f}" y="{_HEIGHT - 10}">'
        f"{'step ' if step == steps[-1] else ''}{step}</text>"
        for step in steps
    )
    return _grid(scale, losses) + words


def _grid(scale: _Scale, values: Sequence[float]) -> str:
    return "".join(
        f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{scale.y(value):.1f}" '
        f'y2="{scale.y(value):.1f}"/><text class="y" x="{_LEFT - 6}" '
        f'y="{scale.y(value) + 4:.1f}">{_number(value)}</text>'
        for value in values
    )


def _whole_ticks(high: float) -> list[float]:
    every = max(1, math.ceil(high / _NUM_TICKS))
    return [float(value) for value in range(0, int(high) + 1, every)]


def _number(value: float) -> str:
    return f"{value:.0f}" if value == round(value) or value >= 100 else f"{value:.3g}"


def _said(curves: Curves) -> str:
    if not curves.validation:
        return f"Training loss, {curves.train[-1].loss:.2f} at step {curves.train[-1].step}"
    first, last = curves.validation[0], curves.validation[-1]
    return f"Validation loss from {first.loss:.2f} to {last.loss:.2f} at step {last.step}"
