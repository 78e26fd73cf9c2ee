"""Draws in numpy are those in torch: same logits, settings and number, same id."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from intone.core.types import SamplingParams
from intone.runtime import sampling as on_tensors
from intone.runtime.cpu.sampling import draw, penalise
from intone.runtime.sampling import SamplingBatch, distribution

BOUNDARY = 1e-6
"""A number this near to where two ids meet may fall to either."""

params = st.builds(
    SamplingParams,
    temperature=st.floats(0.05, 10.0),
    top_k=st.sampled_from([0, 1, 2, 5, 50, 63, 64, 500]),
    top_p=st.one_of(st.just(1.0), st.floats(0.05, 1.0)),
    repetition_penalty=st.sampled_from([1.0, 1.05, 0.5, 3.0]),
    greedy=st.booleans(),
)
uniforms = st.floats(0.0, 1.0, exclude_max=True)


def random_logits(seed: int, *, has_ties: bool, num_banned: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    logits = rng.normal(scale=3.0, size=64).astype(np.float32)
    if has_ties:
        logits = np.rint(logits)
    logits[rng.permutation(64)[:num_banned]] = -np.inf
    return logits


@given(
    seed=st.integers(0, 10**6),
    has_ties=st.booleans(),
    num_banned=st.sampled_from([0, 10, 63]),
    settings_=params,
    uniform=uniforms,
)
@settings(max_examples=400, deadline=None)
def test_a_draw_is_that_of_torch(
    seed: int, has_ties: bool, num_banned: int, settings_: SamplingParams, uniform: float
) -> None:
    # Which of several alike ids top-p drops first, neither side promises.
    has_ties = has_ties and settings_.top_p == 1.0
    logits = random_logits(seed, has_ties=has_ties, num_banned=num_banned)
    batch = SamplingBatch.of([settings_], torch.device("cpu"))
    tensor = torch.from_numpy(logits.copy())[None]
    expected = int(on_tensors.draw(tensor, batch, torch.tensor([uniform], dtype=torch.float64)))
    drawn = draw(logits.copy(), settings_, uniform)
    if drawn == expected:
        return
    assert not settings_.greedy
    allowed = distribution(tensor, batch)[0].double()
    edges = allowed.cumsum(0) / allowed.sum()
    near_an_edge = bool((edges - uniform).abs().min() < BOUNDARY)
    assert near_an_edge or _top_p_is_on_the_edge(tensor, settings_)


def _top_p_is_on_the_edge(logits: torch.Tensor, settings_: SamplingParams) -> bool:
    """Whether the summed probability of the least likely ids falls on 1 - p itself."""
    everything = SamplingParams(temperature=settings_.temperature, top_k=settings_.top_k)
    batch = SamplingBatch.of([everything], torch.device("cpu"))
    summed = distribution(logits, batch)[0].double().sort().values.cumsum(0)
    return bool((summed - (1.0 - settings_.top_p)).abs().min() < BOUNDARY)


@given(seed=st.integers(0, 10**6), penalty=st.sampled_from([1.0, 1.05, 0.5, 3.0]))
@settings(max_examples=50, deadline=None)
def test_ids_drawn_before_are_penalised_as_in_torch(seed: int, penalty: float) -> None:
    logits = random_logits(seed, has_ties=False, num_banned=5)
    seen = np.random.default_rng(seed).random(64) < 0.3
    settings_ = SamplingParams(repetition_penalty=penalty)
    batch = SamplingBatch.of([settings_], torch.device("cpu"))
    tensors = torch.from_numpy(logits.copy())[None], torch.from_numpy(seen)[None]
    expected = on_tensors.penalise(*tensors, batch)[0].numpy()
    penalise(logits, seen, settings_)
    np.testing.assert_allclose(logits, expected, rtol=1e-6)


@pytest.mark.parametrize("uniform", [0.0, np.nextafter(1.0, 0.0)])
def test_the_least_and_the_largest_number_draw_an_allowed_id(uniform: float) -> None:
    logits = np.array([-np.inf, 1.0, 0.0, -np.inf, 2.0, -np.inf], dtype=np.float32)
    for top_p in (1.0, 0.6):
        drawn = draw(logits, SamplingParams(top_k=0, top_p=top_p), uniform)
        assert np.isfinite(logits[drawn])


def test_an_id_is_drawn_as_often_as_it_is_likely() -> None:
    logits = np.log(np.array([0.5, 0.2, 0.3], dtype=np.float32))
    settings_ = SamplingParams(temperature=1.0, top_k=0)
    drawn = [draw(logits, settings_, (i + 0.5) / 1000) for i in range(1000)]
    np.testing.assert_allclose(np.bincount(drawn) / 1000, [0.5, 0.2, 0.3], atol=2e-3)
