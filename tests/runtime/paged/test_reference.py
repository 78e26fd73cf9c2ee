"""Gathered pages give what a dense cache gives, and no row knows of another."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.runtime.paged.scenes import (
    CHECKS,
    LONG_CASES,
    QUICK_CASES,
    Case,
    check_results,
    check_rows_are_alone,
)

from intone.runtime.paged.cache import PagedCache
from intone.runtime.paged.reference import GatheredRows

CPU = torch.device("cpu")
ALL_CASES = [*QUICK_CASES, *LONG_CASES]


def _reference(cache: PagedCache, heads: int, rows: int, pages: int) -> GatheredRows:
    return GatheredRows()


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("case", ALL_CASES, ids=[case.name for case in ALL_CASES])
def test_the_reference_attends_over_pages(case: Case, check: str) -> None:
    CHECKS[check](_reference, case, CPU)


@st.composite
def _cases(draw: st.DrawFn) -> Case:
    kv_heads = draw(st.integers(1, 3))
    return Case(
        positions=tuple(draw(st.lists(st.integers(0, 90), min_size=1, max_size=6))),
        page_positions=draw(st.sampled_from([1, 4, 16, 23, 64])),
        heads=kv_heads * draw(st.integers(1, 4)),
        kv_heads=kv_heads,
        head_dim=draw(st.sampled_from([8, 16, 20])),
        spare_pages=draw(st.integers(0, 3)),
        num_padded=draw(st.integers(0, 3)),
    )


@settings(max_examples=40, deadline=None)
@given(case=_cases())
def test_any_layout_of_pages_gives_what_a_dense_cache_gives(case: Case) -> None:
    check_results(_reference, case, CPU)
    check_rows_are_alone(_reference, case, CPU)


def test_a_long_row_has_the_same_bits_over_a_narrow_table_and_a_wide_one() -> None:
    # Found by search: a plain sum over the splits fails here, in each of them.
    for positions, heads, spare in (((13, 634), 8, 1), ((487, 896), 8, 40)):
        kv_heads = 2 if spare == 1 else 8
        case = Case(
            positions=positions,
            page_positions=48,
            heads=heads,
            kv_heads=kv_heads,
            head_dim=8,
            spare_pages=spare,
            num_padded=3,
        )
        check_rows_are_alone(_reference, case, CPU)
