"""Takes joined into one stream while they are being made: trimmed at their ends, spaced by gaps.

What `seams` does with whole takes. The silence before a take's first sound goes, but for a little;
silence inside waits until sound follows it, and at the end of a take is cut to a little. Sound is
never held back and never changed, but for five milliseconds of fade at both ends of a take.
"""

from __future__ import annotations

import numpy as np

from intone.audio.seams import KEPT_LEAD_S, KEPT_TAIL_S
from intone.audio.silence import hop_samples, levels_db
from intone.core.types import Samples

_SILENCE_DB = -60.0
_BELOW_LOUDEST_DB = 40.0
"""As in `silence`: quieter than this under the loudest so far is silence."""
_FADE_S = 0.005
_NOTHING: Samples = np.empty(0, dtype=np.float32)


class StreamSeams:
    """Joins the takes of one stream, in order: `feed`, `next_take`, `feed`, ... `finish`."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._hop = hop_samples(rate_hz)
        self._lead_samples = round(KEPT_LEAD_S * rate_hz)
        self._kept_samples = round(KEPT_TAIL_S * rate_hz)
        self._fade_samples = round(_FADE_S * rate_hz)
        self._loudest_db = -100.0
        self._tail_samples = 0
        """Silence at the end of the stream so far."""
        self._gap_samples = 0
        self._has_sound = False
        self._rest = _NOTHING
        """Less than a hop."""
        self._silence = _NOTHING
        """Held back."""

    def feed(self, samples: Samples) -> Samples:
        """Takes the next samples [S] of a take; returns what may be played now."""
        joined = np.concatenate([self._rest, samples])
        stop = len(joined) - len(joined) % self._hop
        self._rest = joined[stop:]
        return self._passed(joined[:stop])

    def next_take(self, gap_s: float) -> Samples:
        """Ends a take; returns its last samples.

        Args:
            gap_s: silence between its last sound and the first of the take that follows.
        """
        last = self._end()
        self._gap_samples = round(gap_s * self._rate_hz)
        self._has_sound = False
        return last

    def finish(self) -> Samples:
        """Ends the last take; returns its last samples."""
        return self._end()

    def _end(self) -> Samples:
        last = self._passed(self._rest) if len(self._rest) else _NOTHING
        tail = self._silence[: self._kept_samples].copy()
        self._rest = self._silence = _NOTHING
        if not self._has_sound:  # a take without sound leaves nothing, and is no reason for a gap
            return last
        self._tail_samples = len(tail)
        length = min(self._fade_samples, len(tail))
        if length:
            tail[-length:] *= np.linspace(1.0, 0.0, length, dtype=np.float32)
        return np.concatenate([last, tail])

    def _passed(self, samples: Samples) -> Samples:
        """Returns what is sound in whole hops, and the silence that lies before it."""
        if not len(samples):
            return _NOTHING
        levels = levels_db(samples, self._rate_hz)
        self._loudest_db = max(self._loudest_db, float(levels.max()))
        threshold_db = max(_SILENCE_DB, self._loudest_db - _BELOW_LOUDEST_DB)
        sound = np.flatnonzero(levels >= threshold_db)
        if not len(sound):
            self._silence = np.concatenate([self._silence, samples])
            return _NOTHING
        stop = min(len(samples), (int(sound[-1]) + 1) * self._hop)
        passed = np.concatenate([self._silence, samples[:stop]])
        lead = len(self._silence) + int(sound[0]) * self._hop
        self._silence = samples[stop:]
        return passed if self._has_sound else self._first(passed, lead)

    def _first(self, passed: Samples, lead: int) -> Samples:
        """Returns the first sound of a take behind its gap."""
        self._has_sound = True
        kept = min(lead, self._lead_samples)
        first = passed[lead - kept :].copy()
        length = min(self._fade_samples, len(first))
        first[:length] *= np.linspace(0.0, 1.0, length, endpoint=False, dtype=np.float32)
        gap = max(0, self._gap_samples - self._tail_samples - kept)
        return np.concatenate([np.zeros(gap, np.float32), first])
