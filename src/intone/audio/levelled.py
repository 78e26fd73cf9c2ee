"""An output at a loudness: held until it is whole, then written by one gain."""

from __future__ import annotations

import numpy as np

from intone.audio.loudness import check_target, normalise
from intone.audio.writer import AudioWriter
from intone.core.types import Samples


class LoudnessWriter(AudioWriter):
    """Passes everything on to another writer when it is closed."""

    def __init__(self, writer: AudioWriter, rate_hz: int, target_lufs: float) -> None:
        """Holds samples for a writer.

        Args:
            target_lufs: integrated loudness (ITU-R BS.1770-4) that the whole shall have; a peak
                of -1 dBFS is not passed for it.

        Raises:
            InvalidSettingError: a loudness that nobody should ask for.
        """
        check_target(target_lufs)
        self._writer = writer
        self._rate_hz = rate_hz
        self._target_lufs = target_lufs
        self._held: list[Samples] = []

    def write(self, samples: Samples) -> None:
        self._held.append(samples)

    def close(self) -> None:
        if self._held:
            whole = np.concatenate(self._held)
            self._held.clear()
            with self._writer:
                self._writer.write(normalise(whole, self._rate_hz, self._target_lufs)[0])
        else:
            self._writer.close()

    def abort(self) -> None:
        self._held.clear()
        self._writer.abort()
