"""How loud speech is heard, and a gain that brings it to a target.

Integrated loudness of mono by Recommendation ITU-R BS.1770-4, Annex 1: K-weighting, blocks of
400 ms that overlap by three quarters, a gate at -70 LUFS and one 10 LU below what passes it.
"""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from intone.core.errors import InvalidSettingError
from intone.core.types import Samples

PEAK_CEILING_DBFS = -1.0
"""Of samples, not of the curve between them."""
MIN_TARGET_LUFS, MAX_TARGET_LUFS = -40.0, -5.0

_STEPS_PER_S = 10
_STEPS_PER_BLOCK = 4
_OFFSET_DB = -0.691
"""Makes a 997 Hz sine at full scale on one channel -3.01 LUFS."""
_ABSOLUTE_GATE_LUFS = -70.0
_RELATIVE_GATE_LU = -10.0

_STANDARD_RATE_HZ = 48_000
_RESPONSE_S = 0.25
"""The filters' response has fallen below 1e-12 of its peak by then."""
_CHUNK_S = 10

# The analogue filters whose bilinear transform at 48 kHz gives the coefficients of tables 1 and 2:
# corner in Hz, quality, and gain in dB of the shelf.
_SHELF = (1681.974450955533, 0.7071752369554196, 3.999843853973347)
_HIGH_PASS = (38.13547087602444, 0.5003270373238773)
_SHELF_BAND_POWER = 0.4996667741545416

_Floats = npt.NDArray[np.float64]


class LoudnessMeter:
    """Measures one programme, piece by piece; keeps 80 bytes per second of it."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._response = _impulse_response(rate_hz)
        self._past = np.zeros(len(self._response) - 1)
        self._step = rate_hz // _STEPS_PER_S
        self._rest: _Floats = np.empty(0)
        self._energies = array("d")
        self.peak = 0.0
        """Of the samples so far, absolute."""

    def feed(self, samples: Samples) -> None:
        """Takes samples [S]."""
        chunk = _CHUNK_S * self._rate_hz
        for start in range(0, len(samples), chunk):
            self._feed(samples[start : start + chunk])

    def integrated_lufs(self) -> float | None:
        """Returns the loudness so far; None of less than 400 ms, or of silence."""
        steps = np.frombuffer(self._energies, np.float64) if self._energies else np.empty(0)
        if len(steps) < _STEPS_PER_BLOCK:
            return None
        blocks = np.convolve(steps, np.full(_STEPS_PER_BLOCK, 1 / _STEPS_PER_BLOCK), mode="valid")
        loud = blocks[blocks > _power(_ABSOLUTE_GATE_LUFS)]
        if not len(loud):
            return None
        gate = float(np.mean(loud)) * 10 ** (_RELATIVE_GATE_LU / 10)
        return _OFFSET_DB + 10 * math.log10(float(np.mean(loud[loud > gate])))

    def _feed(self, samples: Samples) -> None:
        self.peak = max(self.peak, float(np.abs(samples).max(initial=0.0)))
        weighted = np.concatenate([self._rest, self._weighted(samples.astype(np.float64))])
        num_steps = len(weighted) // self._step
        steps = weighted[: num_steps * self._step].reshape(num_steps, self._step)
        self._energies.extend(np.mean(np.square(steps), axis=1))
        self._rest = weighted[num_steps * self._step :]

    def _weighted(self, samples: _Floats) -> _Floats:
        """Returns samples [S] after K-weighting, with the past of the programme before them."""
        joined = np.concatenate([self._past, samples])
        size = 1 << (len(joined) + len(self._response) - 1).bit_length()
        spectrum = np.fft.rfft(joined, size) * np.fft.rfft(self._response, size)
        self._past = joined[len(joined) - len(self._past) :]
        return np.fft.irfft(spectrum, size)[len(self._past) : len(joined)]


@dataclass(frozen=True, slots=True)
class Gain:
    """What brings a programme to a target, or as near as its peak allows."""

    target_lufs: float
    measured_lufs: float | None
    """None: too short or silent; nothing is done to it."""
    gain_db: float
    is_limited: bool
    """The peak would pass -1 dBFS; the gain was lowered for it."""

    @classmethod
    def of(cls, meter: LoudnessMeter, target_lufs: float) -> Gain:
        """Returns the gain for what a meter heard.

        Raises:
            InvalidSettingError: a target outside its range.
        """
        check_target(target_lufs)
        measured_lufs = meter.integrated_lufs()
        if measured_lufs is None:
            return cls(target_lufs, None, 0.0, False)
        wanted_db = target_lufs - measured_lufs
        most_db = PEAK_CEILING_DBFS - 20 * math.log10(meter.peak)
        return cls(target_lufs, measured_lufs, min(wanted_db, most_db), wanted_db > most_db)

    @property
    def reached_lufs(self) -> float | None:
        return None if self.measured_lufs is None else self.measured_lufs + self.gain_db

    def apply(self, samples: Samples) -> Samples:
        """Returns samples [S] with the gain."""
        return samples * np.float32(10 ** (self.gain_db / 20))

    def __str__(self) -> str:
        if self.measured_lufs is None:
            return "too short or too quiet to measure; left as it is"
        reason = f" (the peak allows no more than {self.reached_lufs:.1f})"
        return (
            f"{self.measured_lufs:.1f} LUFS, {self.gain_db:+.1f} dB towards "
            f"{self.target_lufs:.1f}{reason if self.is_limited else ''}"
        )


def normalise(samples: Samples, rate_hz: int, target_lufs: float) -> tuple[Samples, Gain]:
    """Returns samples [S] at a loudness, and the gain that was applied; raises as `Gain.of`."""
    meter = LoudnessMeter(rate_hz)
    meter.feed(samples)
    gain = Gain.of(meter, target_lufs)
    return gain.apply(samples), gain


def integrated_lufs(samples: Samples, rate_hz: int) -> float | None:
    """Returns the loudness of samples [S]; None of less than 400 ms, or of silence."""
    meter = LoudnessMeter(rate_hz)
    meter.feed(samples)
    return meter.integrated_lufs()


def check_target(target_lufs: float) -> None:
    """Raises InvalidSettingError for a loudness that nobody should ask for."""
    if not MIN_TARGET_LUFS <= target_lufs <= MAX_TARGET_LUFS:
        raise InvalidSettingError(
            f"loudness is {target_lufs} LUFS; allowed: {MIN_TARGET_LUFS:.0f} to "
            f"{MAX_TARGET_LUFS:.0f} (audiobooks: about -19, podcasts: -16)."
        )


def _power(lufs: float) -> float:
    return float(10 ** ((lufs - _OFFSET_DB) / 10))


@cache
def _impulse_response(rate_hz: int) -> _Floats:
    impulse = np.zeros(round(_RESPONSE_S * rate_hz))
    impulse[0] = 1.0
    return _filtered(_filtered(impulse, *_shelf(rate_hz)), *_high_pass(rate_hz))


def _shelf(rate_hz: int) -> tuple[_Floats, _Floats]:
    """Returns numerator and denominator of the first stage: the head as a sphere."""
    corner_hz, quality, gain_db = _SHELF
    k, high = math.tan(math.pi * corner_hz / rate_hz), 10 ** (gain_db / 20)
    band = high**_SHELF_BAND_POWER
    top = [high + band * k / quality + k * k, 2 * (k * k - high), high - band * k / quality + k * k]
    return _over(top, k, quality)


def _high_pass(rate_hz: int) -> tuple[_Floats, _Floats]:
    """Returns numerator and denominator of the second stage, the RLB curve."""
    numerator, denominator = _plain_high_pass(rate_hz)
    at_standard_rate, _ = _plain_high_pass(_STANDARD_RATE_HZ)
    return numerator / at_standard_rate[0], denominator  # there it is 1, -2, 1: a hair of gain


def _plain_high_pass(rate_hz: int) -> tuple[_Floats, _Floats]:
    corner_hz, quality = _HIGH_PASS
    return _over([1.0, -2.0, 1.0], math.tan(math.pi * corner_hz / rate_hz), quality)


def _over(top: list[float], k: float, quality: float) -> tuple[_Floats, _Floats]:
    below = 1 + k / quality + k * k
    bottom = np.array([below, 2 * (k * k - 1), 1 - k / quality + k * k])
    return np.array(top) / below, bottom / below


def _filtered(samples: _Floats, numerator: _Floats, denominator: _Floats) -> _Floats:
    """Returns what a second-order filter makes of samples; one by one, for short ones."""
    b0, b1, b2 = numerator.tolist()
    _, a1, a2 = denominator.tolist()
    made, first, second = [], 0.0, 0.0
    for sample in samples.tolist():
        out = b0 * sample + first
        first = b1 * sample - a1 * out + second
        second = b2 * sample - a2 * out
        made.append(out)
    return np.array(made)
