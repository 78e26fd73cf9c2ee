"""Loudness as the standard defines it, and a gain that keeps the peak."""

from __future__ import annotations

import numpy as np
import pytest

from intone.audio.loudness import (
    PEAK_CEILING_DBFS,
    LoudnessMeter,
    _high_pass,
    _shelf,
    integrated_lufs,
    normalise,
)
from intone.core.errors import InvalidSettingError
from intone.core.types import Samples

RATE_HZ = 24_000


def sine(
    level_dbfs: float, duration_s: float = 5.0, rate_hz: int = RATE_HZ, hz: float = 997
) -> Samples:
    time_s = np.arange(round(duration_s * rate_hz)) / rate_hz
    return (10 ** (level_dbfs / 20) * np.sin(2 * np.pi * hz * time_s)).astype(np.float32)


def test_the_filters_at_48_khz_are_those_of_the_standard() -> None:
    (shelf_top, shelf_bottom), (pass_top, pass_bottom) = _shelf(48_000), _high_pass(48_000)

    # ITU-R BS.1770-4, tables 1 and 2.
    assert shelf_top == pytest.approx([1.53512485958697, -2.69169618940638, 1.19839281085285])
    assert shelf_bottom == pytest.approx([1.0, -1.69065929318241, 0.73248077421585])
    assert pass_top == pytest.approx([1.0, -2.0, 1.0])
    assert pass_bottom == pytest.approx([1.0, -1.99004745483398, 0.99007225036621])


@pytest.mark.parametrize("rate_hz", [16_000, 24_000, 44_100, 48_000])
def test_a_997_hz_sine_of_minus_20_on_one_channel_is_minus_23(rate_hz: int) -> None:
    assert integrated_lufs(sine(-20, rate_hz=rate_hz), rate_hz) == pytest.approx(-23.0, abs=0.1)


def test_low_tones_count_less_and_high_ones_more() -> None:
    low, middle, high = (integrated_lufs(sine(-20, hz=hz), RATE_HZ) for hz in (40, 997, 5_000))

    assert low is not None
    assert middle is not None
    assert high is not None
    assert low < middle - 5
    assert high > middle + 2.5


def test_silence_between_does_not_count() -> None:
    tone, silence = sine(-20, 10.0), np.zeros(10 * RATE_HZ, np.float32)

    assert integrated_lufs(np.concatenate([tone, silence]), RATE_HZ) == pytest.approx(
        -23.0, abs=0.1
    )


def test_what_is_ten_units_quieter_does_not_count() -> None:
    # EBU Tech 3341, case 3 in mono: 10 s at -36, 60 s at -23, 10 s at -36 LUFS is -23 LUFS.
    parts = [sine(-33, 10.0), sine(-20, 60.0), sine(-33, 10.0)]

    assert integrated_lufs(np.concatenate(parts), RATE_HZ) == pytest.approx(-23.0, abs=0.1)


@pytest.mark.parametrize("piece", [1_000, 2_400, 33_333])
def test_pieces_are_measured_as_the_whole(piece: int) -> None:
    samples = np.random.default_rng(0).normal(0, 0.1, 4 * RATE_HZ).astype(np.float32)
    meter = LoudnessMeter(RATE_HZ)
    for start in range(0, len(samples), piece):
        meter.feed(samples[start : start + piece])

    assert meter.integrated_lufs() == pytest.approx(integrated_lufs(samples, RATE_HZ), abs=1e-9)
    assert meter.peak == np.abs(samples).max()


@pytest.mark.parametrize("samples", [np.zeros(48_000), sine(-20, 0.39), sine(-90), np.zeros(0)])
def test_silence_and_moments_have_no_loudness(samples: Samples) -> None:
    samples = samples.astype(np.float32)
    same, gain = normalise(samples, RATE_HZ, -19.0)

    assert integrated_lufs(samples, RATE_HZ) is None
    assert np.array_equal(same, samples)
    assert "left as it is" in str(gain)


def test_a_target_is_reached() -> None:
    louder, gain = normalise(sine(-30), RATE_HZ, -19.0)

    assert integrated_lufs(louder, RATE_HZ) == pytest.approx(-19.0, abs=0.01)
    assert not gain.is_limited


def test_the_peak_limits_the_gain_and_is_said() -> None:
    samples = sine(-30)
    samples[10_000] = 0.8
    louder, gain = normalise(samples, RATE_HZ, -10.0)

    assert 20 * np.log10(np.abs(louder).max()) == pytest.approx(PEAK_CEILING_DBFS, abs=1e-3)
    assert gain.is_limited
    assert "the peak allows no more" in str(gain)


@pytest.mark.parametrize("target_lufs", [-41.0, 0.0, float("nan")])
def test_other_targets_are_refused(target_lufs: float) -> None:
    with pytest.raises(InvalidSettingError, match="LUFS; allowed: -40 to -5"):
        normalise(sine(-20), RATE_HZ, target_lufs)
