"""What a listener notices of a stream: when it begins to sound, and whether it stops in between.

Playing begins with the first byte. A piece that comes after the playing has reached it is an
underrun: the listener hears a hole, and everything after it later.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from intone.core.constants import SAMPLE_RATE_HZ

AUDIBLE = 10 ** (-50 / 20)
"""Of full scale: below -50 dB a start is silence."""
_HOLE_S = 0.01
"""Shorter holes are the clock's, or hidden by the buffer of any loudspeaker."""
_BYTES_PER_SAMPLE = 2


@dataclass(frozen=True, slots=True)
class Heard:
    """One stream, times in seconds since it was due."""

    first_byte_s: float | None
    """None: no audio came."""
    audible_s: float | None
    """When the first sample above -50 dB is heard: silence at the start counts as waiting."""
    audio_s: float
    num_underruns: int
    stalled_s: float
    """All holes together."""


class Listener:
    """Hears 16-bit PCM at 24 kHz as it comes."""

    def __init__(self) -> None:
        self._first_byte_s: float | None = None
        self._audible_s: float | None = None
        self._num_samples = 0
        self._num_underruns = 0
        self._stalled_s = 0.0
        self._rest = b""

    def hear(self, at_s: float, pcm: bytes) -> None:
        """Takes the bytes that came at a time; samples may be cut anywhere."""
        data = self._rest + pcm
        whole = len(data) - len(data) % _BYTES_PER_SAMPLE
        self._rest = data[whole:]
        if whole == 0:
            return
        if self._first_byte_s is None:
            self._first_byte_s = at_s
        self._wait_for(at_s)
        self._listen(np.frombuffer(data[:whole], "<i2"))

    def heard(self) -> Heard:
        """Returns what was noticed so far."""
        return Heard(
            first_byte_s=self._first_byte_s,
            audible_s=self._audible_s,
            audio_s=self._num_samples / SAMPLE_RATE_HZ,
            num_underruns=self._num_underruns,
            stalled_s=self._stalled_s,
        )

    def _played_at_s(self, sample: int) -> float:
        assert self._first_byte_s is not None
        return self._first_byte_s + self._stalled_s + sample / SAMPLE_RATE_HZ

    def _wait_for(self, at_s: float) -> None:
        late_s = at_s - self._played_at_s(self._num_samples)
        if self._num_samples and late_s > _HOLE_S:
            self._num_underruns += 1
            self._stalled_s += late_s

    def _listen(self, samples: np.ndarray[tuple[int], np.dtype[np.int16]]) -> None:
        if self._audible_s is None:
            loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > AUDIBLE * 2**15)
            if len(loud):
                self._audible_s = self._played_at_s(self._num_samples + int(loud[0]))
        self._num_samples += len(samples)
