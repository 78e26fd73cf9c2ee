"""A clip as a picture: how loud it is over time, its silences told apart by shade and in words."""

from __future__ import annotations

from html import escape

import numpy as np
import numpy.typing as npt

from intone.audio.reference import ReferenceClip
from intone.audio.silence import HOPS_PER_S, Levels, level_range, levels_db
from intone.core.constants import SAMPLE_RATE_HZ

_COLUMNS = 200
_HEIGHT = 80
_SHORTEST_SILENCE_S = 0.2
"""Between syllables nothing is told."""

_Flags = npt.NDArray[np.bool_]


def waveform_svg(clip: ReferenceClip) -> str:
    """Returns the picture; colours are the theme's, through the classes of its parts."""
    is_sound = _sound_flags(levels_db(clip.samples, SAMPLE_RATE_HZ))
    columns = np.array_split(np.abs(clip.samples), _COLUMNS)
    peaks = np.array([float(column.max(initial=0.0)) for column in columns])
    shares = [
        float(part.mean()) if len(part) else 0.0 for part in np.array_split(is_sound, _COLUMNS)
    ]
    bars = "".join(
        _bar(number, peak / max(float(peaks.max()), 1e-6), share >= 0.5)
        for number, (peak, share) in enumerate(zip(peaks, shares, strict=True))
    )
    return (
        f'<figure class="intone-wave"><svg viewBox="0 0 {_COLUMNS} {_HEIGHT}" '
        f'preserveAspectRatio="none" role="img" aria-label="{escape(_told(clip, is_sound))}">'
        f"{_gaps(is_sound)}{bars}</svg>"
        f"<figcaption><span>0 s</span><span>{escape(_caption(is_sound))}</span>"
        f"<span>{clip.duration_s:.1f} s</span></figcaption></figure>"
    )


def silences(is_sound: _Flags) -> list[tuple[float, float]]:
    """Returns the silences worth a mark, (start, end) in seconds.

    Args:
        is_sound: one flag per hop of 10 ms.
    """
    edges = np.diff((~is_sound).astype(np.int8), prepend=0, append=0)
    starts, ends = np.nonzero(edges == 1)[0], np.nonzero(edges == -1)[0]
    found = zip(starts / HOPS_PER_S, ends / HOPS_PER_S, strict=True)
    return [(float(a), float(b)) for a, b in found if b - a >= _SHORTEST_SILENCE_S]


def _sound_flags(levels: Levels) -> _Flags:
    flags: _Flags = levels >= level_range(levels).threshold_db
    return flags


def _bar(number: int, height: float, is_sound: bool) -> str:
    tall = max(1.0, height * (_HEIGHT - 4))
    tone = "sound" if is_sound else "silence"
    return (
        f'<rect class="{tone}" x="{number + 0.15:g}" y="{(_HEIGHT - tall) / 2:.1f}" width="0.7" '
        f'height="{tall:.1f}"/>'
    )


def _gaps(is_sound: _Flags) -> str:
    scale = _COLUMNS * HOPS_PER_S / len(is_sound)
    return "".join(
        f'<rect class="gap" x="{start * scale:.2f}" y="0" width="{(end - start) * scale:.2f}" '
        f'height="{_HEIGHT}"/>'
        for start, end in silences(is_sound)
    )


def _caption(is_sound: _Flags) -> str:
    found = silences(is_sound)
    if not found:
        return "no silence"
    total_s = sum(end - start for start, end in found)
    return f"shaded: {len(found)} silence{'s' if len(found) > 1 else ''}, {total_s:.1f} s in all"


def _told(clip: ReferenceClip, is_sound: _Flags) -> str:
    places = ", ".join(f"{start:.1f} to {end:.1f} s" for start, end in silences(is_sound)[:8])
    return f"Loudness over {clip.duration_s:.1f} s; silences: {places or 'none'}"
