"""Draws: what may be drawn, how likely it is, and that a row depends on nothing but itself."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from intone.core.errors import InvalidSettingError
from intone.core.types import SamplingOverrides, SamplingParams
from intone.runtime.rng import frame_uniforms, fresh_seed
from intone.runtime.sampling import SamplingBatch, distribution, draw, penalise

CPU = torch.device("cpu")


def batch_of(*rows: SamplingParams) -> SamplingBatch:
    return SamplingBatch.of(rows, CPU)


def test_uniforms_depend_on_seed_and_frame_alone() -> None:
    first = frame_uniforms(7, 3, 16)
    np.testing.assert_array_equal(first, frame_uniforms(7, 3, 16))
    np.testing.assert_array_equal(first[:8], frame_uniforms(7, 3, 8))
    assert not np.allclose(first, frame_uniforms(7, 4, 16))
    assert not np.allclose(first, frame_uniforms(8, 3, 16))


def test_uniforms_are_uniform() -> None:
    numbers = np.concatenate([frame_uniforms(1, frame, 16) for frame in range(2000)])
    assert 0.0 <= numbers.min()
    assert numbers.max() < 1.0
    counts, _ = np.histogram(numbers, bins=20, range=(0, 1))
    expected = len(numbers) / 20
    assert ((counts - expected) ** 2 / expected).sum() < 43.8, "chi-squared at 0.1 %"


def test_frames_far_apart_do_not_share_numbers() -> None:
    seen = {tuple(frame_uniforms(5, frame, 16)) for frame in (0, 1, 2, 4, 8191, 2**31)}
    assert len(seen) == 6


def test_seeds_are_fresh() -> None:
    assert len({fresh_seed() for _ in range(50)}) == 50


def test_draws_follow_the_distribution() -> None:
    logits = torch.tensor([[2.0, 1.0, 0.0, -1.0]])
    batch = batch_of(SamplingParams(temperature=0.7, top_k=3))
    expected = distribution(logits, batch)[0]
    ids = [
        int(draw(logits, batch, torch.tensor([u], dtype=torch.float64)))
        for u in np.linspace(0, 1, 2000, endpoint=False)
    ]
    counts = np.bincount(ids, minlength=4) / 2000
    np.testing.assert_allclose(counts, expected.numpy(), atol=2e-3)
    assert counts[3] == 0


def test_each_row_has_its_own_settings() -> None:
    torch.manual_seed(0)
    logits = torch.randn(5, 64)
    rows = [
        SamplingParams(temperature=0.5, top_k=4),
        SamplingParams(greedy=True),
        SamplingParams(top_k=0, top_p=0.8),
        SamplingParams(top_k=1),
        SamplingParams(temperature=2.0, top_k=50),
    ]
    uniforms = torch.rand(5, dtype=torch.float64)
    together = draw(logits, batch_of(*rows), uniforms)
    alone = [
        draw(logits[i : i + 1], batch_of(row), uniforms[i : i + 1]) for i, row in enumerate(rows)
    ]
    assert together.tolist() == [int(id) for id in alone]
    assert together[1] == logits[1].argmax()
    assert together[3] == logits[3].argmax()


def test_top_p_keeps_the_smallest_sufficient_set() -> None:
    logits = torch.log(torch.tensor([[0.5, 0.3, 0.15, 0.05]]))
    kept = distribution(logits, batch_of(SamplingParams(top_k=0, top_p=0.7))) > 0
    assert kept.tolist() == [[True, True, False, False]]


def test_the_penalty_makes_seen_ids_less_likely_whatever_their_sign() -> None:
    logits = torch.tensor([[2.0, -2.0, 1.0]])
    seen = torch.tensor([[True, True, False]])
    out = penalise(logits, seen, batch_of(SamplingParams(repetition_penalty=2.0)))
    assert out.tolist() == [[1.0, -4.0, 1.0]]


def test_banned_ids_are_never_drawn() -> None:
    logits = torch.full((1, 8), float("-inf"))
    logits[0, 5] = -3.0
    batch = batch_of(SamplingParams(top_k=4, top_p=0.5))
    for u in (0.0, 0.5, 1.0 - 2**-53):
        assert int(draw(logits, batch, torch.tensor([u], dtype=torch.float64))) == 5


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (SamplingOverrides(temperature=0.0), "temperature is 0.0; allowed: 0 < t"),
        (SamplingOverrides(top_k=-1), "top_k is -1; allowed: 0"),
        (SamplingOverrides(top_p=1.5), "top_p is 1.5; allowed: 0 < p <= 1"),
        (SamplingOverrides(repetition_penalty=0.0), "repetition_penalty is 0.0"),
    ],
)
def test_settings_outside_their_range_are_refused(
    overrides: SamplingOverrides, message: str
) -> None:
    with pytest.raises(InvalidSettingError, match=message.replace("(", r"\(")):
        overrides.over(SamplingParams())
