"""Silence around speech is found by level, whatever the loudness, noise and rate."""

from __future__ import annotations

import numpy as np
import pytest
from tests.train.speech import silence, speech

from intone.audio.silence import hop_samples, levels_db, sound_hops, trim_silence
from intone.core.types import Samples


def padded(lead_s: float, tail_s: float, *, rate_hz: int, gain: float, noise: float) -> Samples:
    parts = (
        silence(lead_s, rate_hz=rate_hz, noise=noise),
        speech(1.0, rate_hz=rate_hz, gain=gain),
        silence(tail_s, rate_hz=rate_hz, noise=noise, seed=1),
    )
    return np.concatenate(parts)


@pytest.mark.parametrize("rate_hz", [8_000, 22_050, 24_000, 44_100])
@pytest.mark.parametrize(("gain", "noise"), [(0.3, 0.0), (0.3, 3e-3), (0.02, 1e-4), (0.9, 1e-2)])
def test_speech_keeps_a_little_silence_on_both_sides(
    rate_hz: int, gain: float, noise: float
) -> None:
    clip = padded(0.7, 1.5, rate_hz=rate_hz, gain=gain, noise=noise)

    start, end = trim_silence(clip, rate_hz)

    assert start / rate_hz == pytest.approx(0.6, abs=0.04)
    assert end / rate_hz == pytest.approx(1.9, abs=0.04)


def test_a_clip_with_less_silence_than_is_kept_is_whole() -> None:
    clip = padded(0.05, 0.1, rate_hz=24_000, gain=0.3, noise=1e-4)

    assert trim_silence(clip, 24_000) == (0, len(clip))
    assert trim_silence(clip, 24_000, lead_s=0, tail_s=0) != (0, len(clip))


def test_a_click_is_no_speech() -> None:
    clip = padded(1.0, 1.0, rate_hz=24_000, gain=0.3, noise=1e-4)
    clip[2_400:2_500] = 0.9

    assert trim_silence(clip, 24_000)[0] / 24_000 == pytest.approx(0.9, abs=0.04)


@pytest.mark.parametrize("num_samples", [0, 1, 100, 24_000])
def test_silence_is_left_alone(num_samples: int) -> None:
    clip = np.zeros(num_samples, np.float32)

    assert sound_hops(levels_db(clip, 24_000)) is None
    assert trim_silence(clip, 24_000) == (0, num_samples)


def test_levels_are_decibels_of_full_scale() -> None:
    samples = np.full(2 * 240 + 100, 0.1, np.float32)

    assert hop_samples(24_000) == 240
    np.testing.assert_allclose(levels_db(samples, 24_000), [-20, -20, -20], atol=1e-4)
