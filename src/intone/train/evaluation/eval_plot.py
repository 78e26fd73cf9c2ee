"""Figures of a run's checkpoints over its steps, as one picture."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from intone.audio.durable import atomic_write_bytes
from intone.core.errors import MissingDependencyError
from intone.train.evaluation.eval_files import BASE, RECORDINGS, EvalSummary, tuned_only

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PANELS = (
    ("loss", "held-out loss, nats"),
    ("similarity", "similarity to the speaker"),
    ("word_error_rate", "word error rate"),
    ("cap_hit_rate", "takes that did not end"),
    ("duration_ratio", "take / recording"),
    ("preset_drift", "drift of other presets, nats"),
)

_LEVELS = ((BASE, "tab:gray", "--"), (RECORDINGS, "tab:green", ":"))
"""Drawn as lines across: they have no step."""


def draw_curves(summary: EvalSummary, path: Path) -> None:
    """Writes a PNG with one panel per figure that was measured, and the score.

    Raises:
        MissingDependencyError: matplotlib is absent.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingDependencyError(
            "drawing needs matplotlib; `pip install 'intone[train]'` and run again; the figures "
            "are in eval/summary.json."
        ) from error
    names = list(tuned_only(summary.figures))
    steps = [int(name.rpartition("-")[2]) for name in names]
    tables = {name: each.to_json() for name, each in summary.figures.items()}
    panels = [("score", "score (higher is better)", [summary.scores[name] for name in names])]
    for key, title in _PANELS:
        values = [tables[name][key] for name in names]
        if all(value is not None for value in values):
            panels.append((key, title, values))
    columns = 2
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(9, 2.6 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for ax, (key, title, values) in zip(axes, panels, strict=False):
        _draw(ax, steps, values, title)
        for name, color, style in _LEVELS:
            level = tables.get(name, {}).get(key)
            if level is not None:
                ax.axhline(level, color=color, linestyle=style, label=name)
        ax.axvline(steps[names.index(summary.best)], color="tab:orange", alpha=0.4)
        if ax.get_legend_handles_labels()[0]:
            ax.legend(fontsize="small")
    for ax in axes[len(panels) :]:
        ax.remove()
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    atomic_write_bytes(path, buffer.getvalue())


def _draw(ax: Axes, steps: Sequence[int], values: Sequence[float], title: str) -> None:
    ax.plot(steps, values, marker="o")
    ax.set_title(title, fontsize="medium")
    ax.set_xlabel("step", fontsize="small")
    ax.grid(alpha=0.3)
