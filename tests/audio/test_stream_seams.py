"""Takes joined while they are made: no silence is lost inside, none is added outside."""

from __future__ import annotations

import numpy as np
import pytest

from intone.audio.seams import KEPT_LEAD_S, KEPT_TAIL_S
from intone.audio.stream_seams import StreamSeams
from intone.core.types import Samples

RATE_HZ = 24_000


def tone(duration_s: float) -> Samples:
    time_s = np.arange(round(duration_s * RATE_HZ)) / RATE_HZ
    return (0.3 * np.sin(2 * np.pi * 220 * time_s)).astype(np.float32)


def silence(duration_s: float) -> Samples:
    return np.zeros(round(duration_s * RATE_HZ), dtype=np.float32)


def take(lead_s: float = 0.3, tail_s: float = 0.5) -> Samples:
    parts = [silence(lead_s), tone(0.4), silence(0.25), tone(0.2), silence(tail_s)]
    return np.concatenate(parts)


def joined(takes: list[Samples], gap_s: float, size: int) -> Samples:
    seams, parts = StreamSeams(RATE_HZ), []
    for index, samples in enumerate(takes):
        parts += [seams.feed(samples[n : n + size]) for n in range(0, len(samples), size)]
        is_last = index == len(takes) - 1
        parts.append(seams.finish() if is_last else seams.next_take(gap_s))
    return np.concatenate(parts)


def sound_runs(samples: Samples) -> list[tuple[float, float]]:
    """Returns where sound begins and ends, in seconds."""
    loud = np.abs(samples).reshape(-1, 240).max(axis=1) > 0.01 if len(samples) % 240 == 0 else None
    if loud is None:
        padded = np.pad(samples, (0, 240 - len(samples) % 240))
        loud = np.abs(padded).reshape(-1, 240).max(axis=1) > 0.01
    edges = np.diff(loud.astype(np.int8), prepend=0, append=0)
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    return [(start / 100, end / 100) for start, end in zip(starts, ends, strict=True)]


@pytest.mark.parametrize("size", [777, 1920, 1_000_000])
def test_one_take_loses_the_silence_at_its_ends_and_none_inside(size: int) -> None:
    runs = sound_runs(joined([take()], 0.0, size))
    assert runs[0][0] == pytest.approx(KEPT_LEAD_S, abs=0.011)
    assert runs[1][0] - runs[0][1] == pytest.approx(0.25, abs=0.011)
    whole = joined([take()], 0.0, size)
    assert len(whole) / RATE_HZ - runs[1][1] == pytest.approx(KEPT_TAIL_S, abs=0.011)


@pytest.mark.parametrize("size", [777, 1920, 1_000_000])
@pytest.mark.parametrize("tail_s", [0.0, 0.05, 0.5])
def test_the_gap_between_two_takes_is_the_one_asked_for(size: int, tail_s: float) -> None:
    runs = sound_runs(joined([take(tail_s=tail_s), take()], 0.35, size))
    assert runs[2][0] - runs[1][1] == pytest.approx(0.35, abs=0.021)


def test_how_a_take_was_cut_does_not_matter() -> None:
    whole = joined([take(), take()], 0.35, 1_000_000)
    np.testing.assert_allclose(joined([take(), take()], 0.35, 480), whole, atol=1e-6)


def test_a_take_without_sound_gives_nothing() -> None:
    assert not len(joined([silence(1.0)], 0.35, 1920))


def test_sound_is_not_held_back() -> None:
    seams = StreamSeams(RATE_HZ)
    assert len(seams.feed(tone(0.08))) == 1920
