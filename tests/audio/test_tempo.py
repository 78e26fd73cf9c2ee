"""Speed changes length and nothing else, in whatever pieces the samples come."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intone.audio.tempo import LATENCY_S, Tempo, change_tempo
from intone.core.errors import InvalidSettingError
from intone.core.types import Samples

RATE_HZ = 24_000
SPEEDS = (0.5, 0.7, 0.93, 1.1, 1.5, 2.0)


def tone(pitch_hz: float = 200.0, duration_s: float = 1.0, harmonics: int = 5) -> Samples:
    time_s = np.arange(round(duration_s * RATE_HZ)) / RATE_HZ
    parts = [np.sin(2 * np.pi * pitch_hz * n * time_s) / n for n in range(1, harmonics + 1)]
    return (0.3 * np.sum(parts, axis=0)).astype(np.float32)


def speech_like(duration_s: float = 1.0, seed: int = 0) -> Samples:
    """Harmonics of a gliding pitch, in syllables, with some noise."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(round(duration_s * RATE_HZ)) / RATE_HZ
    phase = 2 * np.pi * np.cumsum(120 + 30 * np.sin(2 * np.pi * 0.7 * time_s)) / RATE_HZ
    voiced = np.sum([np.sin(n * phase) / n for n in range(1, 8)], axis=0)
    envelope = np.clip(np.sin(2 * np.pi * 4 * time_s), 0, None)
    return (0.2 * envelope * voiced + 0.005 * rng.normal(size=len(time_s))).astype(np.float32)


@pytest.mark.parametrize("speed", SPEEDS)
def test_a_take_is_as_long_as_its_speed_says(speed: float) -> None:
    samples = speech_like(1.237)

    assert len(change_tempo(samples, speed, RATE_HZ)) == round(len(samples) / speed)


@settings(max_examples=30, deadline=None)
@given(
    speed=st.sampled_from(SPEEDS),
    num_samples=st.integers(0, 6_000),
    cuts=st.lists(st.integers(0, 6_000), max_size=8),
)
def test_any_cutting_gives_the_same_bits(speed: float, num_samples: int, cuts: list[int]) -> None:
    samples = speech_like(0.25)[:num_samples]
    tempo = Tempo(speed, RATE_HZ)
    pieces = np.split(samples, sorted(min(cut, num_samples) for cut in cuts))
    streamed = np.concatenate([*(tempo.feed(piece) for piece in pieces), tempo.flush()])

    assert np.array_equal(streamed, change_tempo(samples, speed, RATE_HZ))


def test_one_sample_at_a_time_gives_the_same_bits() -> None:
    samples = speech_like(0.2)
    tempo = Tempo(1.3, RATE_HZ)
    pieces = [tempo.feed(samples[i : i + 1]) for i in range(len(samples))]

    assert np.array_equal(
        np.concatenate([*pieces, tempo.flush()]), change_tempo(samples, 1.3, RATE_HZ)
    )


def test_speed_one_passes_samples_untouched() -> None:
    samples, tempo = speech_like(), Tempo(1.0, RATE_HZ)

    assert tempo.feed(samples) is samples
    assert len(tempo.flush()) == 0


@pytest.mark.parametrize("speed", SPEEDS)
@pytest.mark.parametrize("pitch_hz", [80.0, 200.0, 311.0])
def test_the_pitch_stays(speed: float, pitch_hz: float) -> None:
    changed = change_tempo(tone(pitch_hz, 2.0), speed, RATE_HZ)[2_000:-2_000]
    spectrum = np.abs(np.fft.rfft(changed * np.hanning(len(changed)), 2**18))
    peak_hz = np.argmax(spectrum) * RATE_HZ / 2**18

    assert abs(peak_hz - pitch_hz) < 0.01 * pitch_hz


@pytest.mark.parametrize("speed", SPEEDS)
def test_there_are_no_clicks(speed: float) -> None:
    samples = tone()
    changed = change_tempo(samples, speed, RATE_HZ)

    assert np.abs(np.diff(changed)).max() < 1.2 * np.abs(np.diff(samples)).max()


@pytest.mark.parametrize("speed", SPEEDS)
def test_loudness_stays(speed: float) -> None:
    samples = speech_like(2.0)
    before, after = (
        np.sqrt(np.mean(np.square(x))) for x in (samples, change_tempo(samples, speed, RATE_HZ))
    )

    assert 0.9 < after / before < 1.1


@pytest.mark.parametrize("speed", SPEEDS)
def test_samples_leave_within_the_stated_latency(speed: float) -> None:
    tempo, given_samples, made = Tempo(speed, RATE_HZ), 0, 0
    for _ in range(200):
        made += len(tempo.feed(speech_like(0.005)))
        given_samples += 120
        behind_s = given_samples / RATE_HZ - made * speed / RATE_HZ

        assert behind_s <= LATENCY_S + 0.02 * max(1.0, speed) + 0.005


@pytest.mark.parametrize("speed", SPEEDS)
def test_the_first_samples_come_with_the_first_frame(speed: float) -> None:
    assert len(Tempo(speed, RATE_HZ).feed(speech_like(0.04))) >= 480


def test_silence_and_nothing_stay_so() -> None:
    assert not change_tempo(np.zeros(5_000, np.float32), 1.5, RATE_HZ).any()
    assert len(change_tempo(np.empty(0, np.float32), 1.5, RATE_HZ)) == 0
    assert len(change_tempo(np.ones(1, np.float32), 0.5, RATE_HZ)) == 2


def test_input_is_forgotten() -> None:
    tempo = Tempo(0.5, RATE_HZ)
    for _ in range(50):
        tempo.feed(speech_like(0.1))

    assert len(tempo._input) < 0.1 * RATE_HZ


@pytest.mark.parametrize("speed", [0.0, 0.49, 2.01, float("nan"), -1.0])
def test_other_speeds_are_refused(speed: float) -> None:
    with pytest.raises(InvalidSettingError, match=r"speed is .*; allowed: 0\.5 to 2\.0"):
        Tempo(speed, RATE_HZ)
