"""Derived seeds: repeatable, apart from each other, in range."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from intone.core.seeds import derived_seed
from intone.core.types import MAX_SEED

PATHS = st.lists(st.integers() | st.text(max_size=5), max_size=3)


@given(st.integers(0, MAX_SEED), PATHS)
def test_a_derived_seed_is_a_seed_and_repeats(seed: int, path: list[int | str]) -> None:
    assert 0 <= derived_seed(seed, *path) <= MAX_SEED
    assert derived_seed(seed, *path) == derived_seed(seed, *path)


def test_other_paths_give_other_seeds() -> None:
    paths = [(), (0,), (1,), ("0",), ("a", 1), ("a1",), ("a", "1"), (1, "a")]
    assert len({derived_seed(7, *path) for path in paths}) == len(paths)
    assert derived_seed(8) != derived_seed(7)


def test_the_seeds_never_change() -> None:
    """Files that say how a take was made would not repeat it any more."""
    assert derived_seed(7, "guard", 1) == 3956574357960088012
