"""Random numbers of takes: counted, and the same however they are asked for."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from intone.core.types import MAX_SEED
from intone.runtime.rng import FrameDraws, frame_uniforms, uniforms_of


@given(st.integers(0, MAX_SEED), st.integers(0, 2**40), st.integers(1, 33))
def test_a_take_that_goes_on_draws_what_each_frame_draws_by_itself(
    seed: int, first_frame: int, num_codebooks: int
) -> None:
    draws = FrameDraws(seed, first_frame)
    for frame in range(first_frame, first_frame + 3):
        uniforms = uniforms_of(draws.next_words(num_codebooks))
        np.testing.assert_array_equal(uniforms, frame_uniforms(seed, frame, num_codebooks))
        assert (uniforms >= 0).all()
        assert (uniforms < 1).all()


def test_numbers_of_a_frame_never_change() -> None:
    """A seed that was written down repeats its take after an update."""
    expected = [0.43900223090044976, 0.1656586882435429, 0.98230470040924]
    assert frame_uniforms(7, 3, 3).tolist() == expected
