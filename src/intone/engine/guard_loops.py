"""Signs of a missed end in the codes: the same frames over and over.

Drawn frames do not repeat: of sixteen codebooks one would differ. Codebook 0 alone repeats for a
while in a held vowel, and everything may in a pause, for which the rules of stillness hold.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from intone.core.types import Codes
from intone.engine.heard_frame import HeardFrame

MAX_PERIOD_FRAMES = 25
"""Two seconds; what repeats later is a refrain."""

_PERIODS = np.arange(1, MAX_PERIOD_FRAMES + 1)
_LOOP_LIMITS = np.maximum(12, 2 * _PERIODS)
_FIRST_CODEBOOK_LIMITS = np.maximum(50, 4 * _PERIODS)
_FIRST_CODEBOOK_SENT_FRAMES = 12

_Counts = npt.NDArray[np.int64]


class FrameLoop:
    """Whole frames that repeat with any period; suspect from the first repeated one on."""

    name = "loop"

    def __init__(self) -> None:
        self._past = _Past()
        self._runs: _Counts = np.zeros(MAX_PERIOD_FRAMES, dtype=np.int64)

    @property
    def num_suspect(self) -> int:
        return int(self._runs.max())

    @property
    def has_fired(self) -> bool:
        return bool((self._runs >= _LOOP_LIMITS).any())

    def hear(self, frame: HeardFrame) -> None:
        self._runs = _continued(self._runs, self._past.repeats(frame, frame.codes))


class FirstCodebookLoop:
    """Codebook 0 repeats while the others are drawn anew."""

    name = "first_codebook_loop"

    def __init__(self) -> None:
        self._past = _Past()
        self._runs: _Counts = np.zeros(MAX_PERIOD_FRAMES, dtype=np.int64)

    @property
    def num_suspect(self) -> int:
        return max(0, int(self._runs.max()) - _FIRST_CODEBOOK_SENT_FRAMES)

    @property
    def has_fired(self) -> bool:
        return bool((self._runs >= _FIRST_CODEBOOK_LIMITS).any())

    def hear(self, frame: HeardFrame) -> None:
        self._runs = _continued(self._runs, self._past.repeats(frame, frame.codes[:1]))


def _continued(runs: _Counts, repeats: npt.NDArray[np.bool_]) -> _Counts:
    return np.where(repeats, runs + 1, 0)


class _Past:
    """The last frames, and which of them are the one that is heard now."""

    def __init__(self) -> None:
        self._codes: Codes | None = None
        """[25, K], the latest first; -1 where there was none yet."""
        self._num_quiet = 0

    def repeats(self, frame: HeardFrame, codes: Codes) -> npt.NDArray[np.bool_]:
        """Returns for each period whether the frame is the one so many before it, [25].

        A period that lies in a pause as a whole does not count.
        """
        if self._codes is None:
            self._codes = np.full((MAX_PERIOD_FRAMES, len(codes)), -1, dtype=np.int64)
        self._num_quiet = self._num_quiet + 1 if frame.is_quiet else 0
        same: npt.NDArray[np.bool_] = (self._codes == codes).all(axis=1)
        same &= self._num_quiet < _PERIODS
        self._codes[1:] = self._codes[:-1]
        self._codes[0] = codes
        return same
