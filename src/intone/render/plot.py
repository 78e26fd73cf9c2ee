"""A picture of a script: its spectrogram, where segments begin, their tags and similarities.

Drawn with matplotlib (`intone[plot]`), which is loaded when a picture is asked for.
"""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from intone.audio.durable import atomic_write_bytes
from intone.core.errors import InvalidSettingError, MissingDependencyError
from intone.core.types import Samples

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW_S = 15.0
"""A longer sound is broken into rows."""
MAX_ROWS = 12
"""A sound longer than so many rows has longer rows."""

_WINDOW = 1_024
_COLUMNS_PER_ROW = 1_100
_DEPTH_DB = 70.0
_WIDTH_IN, _ROW_IN, _DPI = 11.0, 2.1, 80
_COLOURS = 64
"""A spectrogram needs no more; the file is a fifth as large."""
_MIN_LABEL_PX_PER_CHARACTER = 5.5
_BORDER = "#7fd4ff"


@dataclass(frozen=True, slots=True)
class _Look:
    ground: str
    words: str


_LIGHT, _DARK = _Look("#ffffff", "#000000"), _Look("#111827", "#e5e7eb")

Spectrogram = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlottedSegment:
    """What the picture says about a segment."""

    start_s: float
    end_s: float
    label: str
    """Who, and in which mood."""
    similarity: float | None


def save_picture(
    path: Path,
    samples: Samples,
    rate_hz: int,
    segments: Sequence[PlottedSegment],
    *,
    is_dark: bool = False,
) -> Path:
    """Writes a PNG of samples [S] and returns its path.

    Args:
        is_dark: light words on a dark ground.

    Raises:
        InvalidSettingError: the ending is not `.png`.
        MissingDependencyError: matplotlib is absent.
        OutputError: the file cannot be written; nothing is left behind.
    """
    check_picture(path)
    from PIL import Image  # comes with matplotlib

    drawn, png = io.BytesIO(), io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph", category=UserWarning)
        figure = _figure(samples, rate_hz, segments, _DARK if is_dark else _LIGHT)
        figure.savefig(drawn, format="png")
    with Image.open(drawn) as picture:
        small = picture.convert("RGB").convert("P", palette=Image.Palette.ADAPTIVE, colors=_COLOURS)
    small.save(png, "PNG", optimize=True)
    atomic_write_bytes(path, png.getvalue())
    return path


def check_picture(path: Path) -> None:
    """Refuses what `save_picture` could not write, before anything is rendered.

    Raises:
        InvalidSettingError, MissingDependencyError: as `save_picture` does.
    """
    if path.suffix.lower() != ".png":
        raise InvalidSettingError(f"the picture is {path.name!r}; allowed: a name ending in .png.")
    try:
        import matplotlib.figure  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            "a picture needs the matplotlib package; run: pip install 'intone[plot]'"
        ) from error


def spectrogram_db(samples: Samples, hop: int) -> Spectrogram:
    """Returns the level of every frequency at every hop, [513, ceil(S / hop)], in dB.

    Hann windows of 1,024 samples around each hop; the loudest point of a full-scale tone is 0 dB.
    """
    window = np.hanning(_WINDOW).astype(np.float32)
    padded = np.pad(samples, (_WINDOW // 2, _WINDOW))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[: len(samples) : hop]
    power = np.abs(np.fft.rfft(frames * window, axis=1)) / (window.sum() / 2)
    levels: Spectrogram = (20 * np.log10(np.maximum(power, 1e-6))).T.astype(np.float32)
    return levels


def _figure(
    samples: Samples, rate_hz: int, segments: Sequence[PlottedSegment], look: _Look
) -> Figure:
    from matplotlib.figure import Figure

    total_s = max(len(samples) / rate_hz, 0.1)
    num_rows = min(MAX_ROWS, math.ceil(total_s / ROW_S))
    row_s = total_s / num_rows
    height_in = _ROW_IN * num_rows + 0.3
    figure = Figure(figsize=(_WIDTH_IN, height_in), dpi=_DPI, layout="constrained")
    figure.set_facecolor(look.ground)
    for row in range(num_rows):
        axes = figure.add_subplot(num_rows, 1, row + 1)
        _draw_row(axes, samples, rate_hz, row * row_s, row_s)
        axes.tick_params(labelsize=8, colors=look.words)
        for segment in segments:
            _draw_segment(axes, segment, row * row_s, row_s, look)
    _label(figure, look)
    return figure


def _draw_row(axes: Axes, samples: Samples, rate_hz: int, start_s: float, row_s: float) -> None:
    part = samples[round(start_s * rate_hz) : round((start_s + row_s) * rate_hz)]
    hop = max(1, len(part) // _COLUMNS_PER_ROW)
    levels = spectrogram_db(part, hop)
    top_db = max(float(levels.max(initial=-60.0)), -60.0)
    axes.imshow(
        levels,
        origin="lower",
        aspect="auto",
        interpolation="nearest",
        extent=(start_s, start_s + row_s, 0.0, rate_hz / 2_000),
        vmin=top_db - _DEPTH_DB,
        vmax=top_db,
        cmap="magma",
    )
    axes.set_xlim(start_s, start_s + row_s)


def _draw_segment(
    axes: Axes, segment: PlottedSegment, start_s: float, row_s: float, look: _Look
) -> None:
    """Draws the border where a segment begins, and its label where there is room."""
    left, right = max(segment.start_s, start_s), min(segment.end_s, start_s + row_s)
    if right <= left:
        return
    if segment.start_s >= start_s:
        axes.axvline(segment.start_s, color=_BORDER, linewidth=1.0)
    room = int((right - left) / row_s * _WIDTH_IN * _DPI / _MIN_LABEL_PX_PER_CHARACTER)
    score = "" if segment.similarity is None else f"{segment.similarity:.2f}"
    for text, height in ((_shortened(segment.label, room), 1.13), (score[:room], 1.02)):
        axes.text(
            left,
            height,
            text,
            fontsize=8,
            color=look.words,
            transform=axes.get_xaxis_transform(),
            va="bottom",
        )


def _shortened(label: str, room: int) -> str:
    return label if len(label) <= room else f"{label[: max(0, room - 1)]}…"


def _label(figure: Figure, look: _Look) -> None:
    below = "s; above: who and mood, similarity with the person"
    figure.supylabel("kHz", fontsize=8, color=look.words)
    figure.supxlabel(below, fontsize=8, color=look.words)
