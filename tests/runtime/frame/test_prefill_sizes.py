"""How prompts are gathered into padded batches."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from intone.runtime.frame.prefill import PADDED_PROMPTS, batches, padded_rows, recorded_sizes
from intone.runtime.job import SlotStart


def starts(lengths: list[int]) -> list[SlotStart]:
    return [cast(SlotStart, SimpleNamespace(num_positions=length)) for length in lengths]


@given(st.lists(st.integers(1, 5000), max_size=20))
def test_every_prompt_is_read_once_by_a_size_that_holds_it(lengths: list[int]) -> None:
    waiting = starts(lengths)
    read = []
    for (prompts, rows), batch in batches(waiting):
        assert 1 <= len(batch) <= prompts
        assert prompts in PADDED_PROMPTS
        assert all(start.num_positions <= rows for start in batch)
        assert rows == padded_rows(max(start.num_positions for start in batch))
        assert rows <= 1024 or prompts == 1, "a long prompt is alone"
        read.extend(batch)
    assert sorted(map(id, read)) == sorted(map(id, waiting))


def test_sizes_are_few_and_long_ones_exact_to_512_rows() -> None:
    assert [padded_rows(rows) for rows in (1, 32, 33, 200, 1024)] == [32, 32, 64, 256, 1024]
    assert [padded_rows(rows) for rows in (1025, 1536, 1537)] == [1536, 1536, 2048]


def test_what_no_prompt_or_batch_could_need_is_not_recorded() -> None:
    assert len(recorded_sizes(4096, 64)) == 4 * 3
    assert recorded_sizes(60, 1) == [(1, 32), (1, 64)]
    assert recorded_sizes(60, 3) == [(p, rows) for rows in (32, 64) for p in (1, 2, 4)]
