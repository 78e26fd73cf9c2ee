"""Segments become one sound: where they begin, how loud they are, what lies between them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intone.audio.seams import (
    GAP_S,
    INTERRUPTED_CUT_S,
    MAX_GAIN_DB,
    Assembler,
    active_level_db,
)
from intone.core.types import Samples

RATE_HZ = 24_000


def clip(
    *, lead_s: float = 0.3, sound_s: float = 0.5, tail_s: float = 0.4, peak: float = 0.3
) -> Samples:
    time_s = np.arange(round(sound_s * RATE_HZ)) / RATE_HZ
    sound = peak * np.sin(2 * np.pi * 230 * time_s)
    silences = (np.zeros(round(length * RATE_HZ)) for length in (lead_s, tail_s))
    before, after = silences
    return np.concatenate([before, sound, after]).astype(np.float32)


def sounding(samples: Samples) -> list[tuple[float, float]]:
    """Returns from when to when there is sound, in seconds; gaps under 20 ms do not count."""
    loud = np.nonzero(np.abs(samples) > 1e-3)[0]
    cuts = np.nonzero(np.diff(loud) > 0.02 * RATE_HZ)[0]
    starts, ends = [loud[0], *loud[cuts + 1]], [*loud[cuts], loud[-1]]
    return [(a / RATE_HZ, b / RATE_HZ) for a, b in zip(starts, ends, strict=True)]


@pytest.mark.parametrize(("ending", "gap_s"), GAP_S.items())
def test_the_gap_is_what_the_punctuation_says(ending: str, gap_s: float) -> None:
    assembler = Assembler(RATE_HZ)
    parts = [assembler.add(clip(lead_s=lead_s), gap_before_s=gap_s) for lead_s in (0.3, 0.5)]
    (_, first_end), (second_start, _) = sounding(np.concatenate([part.samples for part in parts]))

    expected_s = max(gap_s, 0.12)  # the little silence that is kept around a sound
    assert second_start - first_end == pytest.approx(expected_s, abs=0.02)


def test_leading_and_trailing_silence_goes() -> None:
    placed = Assembler(RATE_HZ).add(clip(), gap_before_s=0.0)

    assert len(placed.samples) == pytest.approx(0.62 * RATE_HZ, abs=0.03 * RATE_HZ)


def test_places_are_those_of_the_whole() -> None:
    assembler = Assembler(RATE_HZ, matches_levels=False)
    parts = [assembler.add(clip(peak=peak), gap_before_s=0.35) for peak in (0.1, 0.2, 0.3)]
    whole = np.concatenate([part.samples for part in parts])

    assert assembler.num_samples == len(whole) == parts[-1].end_sample
    for part, peak in zip(parts, (0.1, 0.2, 0.3), strict=True):
        assert np.abs(whole[part.start_sample : part.end_sample]).max() == pytest.approx(peak, 1e-2)
    between = [whole[a.end_sample : b.start_sample] for a, b in zip(parts, parts[1:], strict=False)]
    assert not any(gap.any() for gap in between)


def test_an_interrupted_line_loses_its_end() -> None:
    whole = Assembler(RATE_HZ).add(clip(), gap_before_s=0.0).samples
    cut = Assembler(RATE_HZ).add(clip(), gap_before_s=0.0, cut_end_s=INTERRUPTED_CUT_S).samples

    (_, end_s), (_, cut_end_s) = sounding(whole)[0], sounding(cut)[0]
    assert end_s - cut_end_s == pytest.approx(INTERRUPTED_CUT_S, abs=0.015)


def test_a_line_shorter_than_the_cut_does_not_break() -> None:
    placed = Assembler(RATE_HZ).add(clip(sound_s=0.1), gap_before_s=0.0, cut_end_s=0.15)

    assert len(placed.samples) < 0.06 * RATE_HZ


def test_edges_are_faded_to_nothing() -> None:
    loud = clip(lead_s=0.0, tail_s=0.0)[30:]
    own = Assembler(RATE_HZ).add(loud, gap_before_s=0.0).samples

    assert abs(own[0]) < 1e-4
    assert abs(own[-1]) < 0.02


def test_levels_move_towards_the_median_by_three_decibels_at_most() -> None:
    assembler = Assembler(RATE_HZ)
    for _ in range(3):
        assembler.add(clip(peak=0.2), gap_before_s=0.1)
    near = assembler.add(clip(peak=0.25), gap_before_s=0.1)
    whisper = assembler.add(clip(peak=0.02), gap_before_s=0.1)

    assert near.gain_db == pytest.approx(20 * np.log10(0.2 / 0.25), abs=0.1)
    assert whisper.gain_db == pytest.approx(MAX_GAIN_DB)


def test_each_voice_has_a_level_of_its_own() -> None:
    assembler = Assembler(RATE_HZ)
    assembler.add(clip(peak=0.2), gap_before_s=0.1, voice="loud")

    assert assembler.add(clip(peak=0.1), gap_before_s=0.1, voice="soft").gain_db == 0.0


def test_a_gain_never_clips() -> None:
    assembler = Assembler(RATE_HZ)
    assembler.add(clip(peak=0.95), gap_before_s=0.1)
    spiky = clip(peak=0.3)
    spiky[12_000] = 0.9

    assert np.abs(assembler.add(spiky, gap_before_s=0.1).samples).max() <= 0.991


def test_silence_stays_and_moves_what_comes_after() -> None:
    assembler = Assembler(RATE_HZ)
    assembler.add(clip(), gap_before_s=0.0)
    silent = assembler.add(np.zeros(12_000, np.float32), gap_before_s=0.0)
    after = assembler.add(clip(), gap_before_s=0.35)

    assert (silent.end_sample - silent.start_sample, silent.gain_db) == (12_000, 0.0)
    assert after.start_sample == silent.end_sample


def test_nothing_is_nothing() -> None:
    placed = Assembler(RATE_HZ).add(np.empty(0, np.float32), gap_before_s=0.0)

    assert len(placed.samples) == 0
    assert active_level_db(np.empty(0, np.float32), RATE_HZ) is None


@settings(max_examples=40, deadline=None)
@given(
    lengths=st.lists(st.integers(0, 4_000), min_size=1, max_size=5),
    gap_s=st.floats(0, 0.5),
    cut_s=st.sampled_from([0.0, 0.15]),
)
def test_every_sample_is_accounted_for(lengths: list[int], gap_s: float, cut_s: float) -> None:
    assembler, rng, made = Assembler(RATE_HZ), np.random.default_rng(0), 0
    for length in lengths:
        samples = rng.uniform(-1, 1, length).astype(np.float32)
        placed = assembler.add(samples, gap_before_s=gap_s, cut_end_s=cut_s)
        made += len(placed.samples)

        assert made == placed.end_sample == assembler.num_samples
        assert placed.samples.dtype == np.float32
        assert np.abs(placed.samples).max(initial=0) <= 1.0
