"""How segments become one sound: trimmed, faded, levelled, and spaced as their punctuation says.

An assembler sees one segment at a time and keeps none, so the length of the whole costs no memory.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Literal

import numpy as np

from intone.audio.silence import hop_samples, level_range, levels_db, sound_hops
from intone.core.types import Samples

Ending = Literal["forced", "clause", "sentence", "paragraph", "chapter"]
"""What ends the text of a segment; forced: it was cut between two words of a long sentence."""

GAP_S: Mapping[Ending, float] = {
    "forced": 0.05,
    "clause": 0.15,
    "sentence": 0.35,
    "paragraph": 0.7,
    "chapter": 1.2,
}
"""Silence between the last sound of a segment and the first of the next one."""

INTERRUPTED_CUT_S = 0.15
INTERRUPTED_GAP_S = 0.1
"""Where somebody cuts in: so much is taken off the sound, and so soon comes the next one."""

KEPT_LEAD_S = 0.04
KEPT_TAIL_S = 0.08
"""Around the sound: soft consonants lie below the level that counts as sound."""

MAX_GAIN_DB = 3.0
"""More would turn a whisper into speech."""

_FADE_S = 0.005
_CROSSING_S = 0.005
"""How far from a cut its zero crossing may lie."""
_LEVELS_KEPT = 15
"""Segments that the running median looks back on."""
_PEAK = 0.99


@dataclass(frozen=True, slots=True)
class Placed:
    """A segment in its place."""

    samples: Samples
    """To be appended to the whole: the gap before it, then its own."""
    start_sample: int
    """Where its own samples begin in the whole."""
    end_sample: int
    """One past its last."""
    gain_db: float
    """What was done to its level."""


@dataclass(slots=True)
class Assembler:
    """Places the segments of one whole, in order."""

    rate_hz: int
    matches_levels: bool = True
    """Moves each segment by at most 3 dB towards the running median of its voice."""
    num_samples: int = 0
    """Of the whole so far; set it to go on with a whole that was begun before."""
    _tail_samples: int = 0
    _levels: dict[str, deque[float]] = field(default_factory=dict)

    def add(
        self, samples: Samples, *, gap_before_s: float, cut_end_s: float = 0.0, voice: str = ""
    ) -> Placed:
        """Returns what to append for a segment [S].

        Args:
            gap_before_s: silence between the sound before it and its own; see `GAP_S`.
            cut_end_s: taken off the end of its sound; see `INTERRUPTED_CUT_S`.
            voice: whose level it is matched with.
        """
        cut = _trimmed(samples, self.rate_hz, cut_end_s)
        gain_db = self._gain_db(cut.samples, voice) if self.matches_levels else 0.0
        own = _faded(cut.samples * np.float32(10 ** (gain_db / 20)), self.rate_hz)
        heard = self._tail_samples + cut.lead_samples  # silence that is there already
        gap = max(0, round(gap_before_s * self.rate_hz) - heard)
        start = self.num_samples + gap
        self.num_samples, self._tail_samples = start + len(own), cut.tail_samples
        joined = np.concatenate([np.zeros(gap, np.float32), own])
        return Placed(joined, start, self.num_samples, gain_db)

    def silence(self, duration_s: float) -> Samples:
        """Returns silence to append, for example at the end of the whole."""
        samples = np.zeros(round(duration_s * self.rate_hz), np.float32)
        self.num_samples += len(samples)
        self._tail_samples += len(samples)
        return samples

    def _gain_db(self, samples: Samples, voice: str) -> float:
        level_db = active_level_db(samples, self.rate_hz)
        if level_db is None:
            return 0.0
        known = self._levels.setdefault(voice, deque(maxlen=_LEVELS_KEPT))
        target_db = median(known) if known else level_db
        known.append(level_db)
        wanted_db = min(MAX_GAIN_DB, max(-MAX_GAIN_DB, target_db - level_db))
        peak = float(np.abs(samples).max())
        return min(wanted_db, max(0.0, 20 * float(np.log10(_PEAK / peak))))


def active_level_db(samples: Samples, rate_hz: int) -> float | None:
    """Returns the RMS level of the hops that hold sound, in dB of full scale; None without any."""
    levels = levels_db(samples, rate_hz)
    if sound_hops(levels) is None:
        return None
    active = levels[levels >= level_range(levels).threshold_db]
    return float(10 * np.log10(np.mean(10 ** (active.astype(np.float64) / 10))))


@dataclass(frozen=True, slots=True)
class _Cut:
    samples: Samples
    lead_samples: int
    """Silence before its first sound."""
    tail_samples: int
    """Silence after its last."""


def _trimmed(samples: Samples, rate_hz: int, cut_end_s: float) -> _Cut:
    """Returns the sound of a segment with a little around it; one without sound whole."""
    found = sound_hops(levels_db(samples, rate_hz))
    if found is None:
        return _Cut(samples, 0, len(samples))
    first, last = (hop * hop_samples(rate_hz) for hop in found)
    last = min(last, len(samples))
    start = _zero_crossing(samples, first - round(KEPT_LEAD_S * rate_hz), rate_hz)
    kept_tail = round(KEPT_TAIL_S * rate_hz)
    if cut_end_s > 0:
        last = max(first, last - round(cut_end_s * rate_hz))
        kept_tail = 0
    end = _zero_crossing(samples, last + kept_tail, rate_hz)
    return _Cut(samples[start:end], max(0, first - start), max(0, end - last))


def _zero_crossing(samples: Samples, place: int, rate_hz: int) -> int:
    """Returns the sign change nearest to a place within 5 ms, else the place, inside the clip."""
    place = min(max(0, place), len(samples))
    reach = round(_CROSSING_S * rate_hz)
    start = max(0, place - reach)
    near = samples[start : place + reach]
    crossings = np.nonzero(np.diff(np.signbit(near)))[0] + 1 + start
    if place in (0, len(samples)) or not len(crossings):
        return place
    return int(crossings[np.argmin(np.abs(crossings - place))])


def _faded(samples: Samples, rate_hz: int) -> Samples:
    """Returns samples that begin and end at nothing."""
    length = min(round(_FADE_S * rate_hz), len(samples) // 2)
    if not length:
        return samples
    ramp = np.linspace(0.0, 1.0, length, endpoint=False, dtype=np.float32)
    faded = samples.copy()
    faded[:length] *= ramp
    faded[-length:] *= ramp[::-1]
    return faded
