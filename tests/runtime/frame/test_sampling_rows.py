"""Draws without branches give the ids of the plain ones, whatever the settings beside them."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from intone.core.types import SamplingParams
from intone.runtime import sampling as plain
from intone.runtime.frame import sampling as rows
from intone.runtime.frame.prompt_rows import settings_row

VOCAB_SIZE = 23

params = st.builds(
    SamplingParams,
    temperature=st.floats(0.05, 5.0),
    top_k=st.sampled_from([0, 1, 2, 5, VOCAB_SIZE - 1, VOCAB_SIZE, 50, 10**12]),
    top_p=st.sampled_from([1e-6, 0.3, 0.5, 0.9, 0.999, 1.0]),
    repetition_penalty=st.sampled_from([0.5, 1.0, 1.05, 1.3]),
    greedy=st.booleans(),
)
coarse = st.integers(-4, 4).map(float)
"""Few values, so that many are equal."""
fine = st.floats(-30, 30, width=32)
uniform = st.one_of(st.sampled_from([0.0, 0.5, 1 - 2**-53]), st.floats(0, 1, exclude_max=True))


def row_of(elements: st.SearchStrategy[float]) -> st.SearchStrategy[list[float]]:
    return st.lists(elements, min_size=VOCAB_SIZE, max_size=VOCAB_SIZE)


batch = st.lists(
    st.tuples(
        params,
        st.one_of(row_of(coarse), row_of(fine)),
        st.sets(st.integers(0, VOCAB_SIZE - 1)),
        st.sets(st.integers(0, VOCAB_SIZE - 2), max_size=VOCAB_SIZE // 2),
        uniform,
    ),
    min_size=1,
    max_size=6,
)


def marked(ids: list[set[int]]) -> Tensor:
    marks = torch.zeros(len(ids), VOCAB_SIZE, dtype=torch.bool)
    for row, those in enumerate(ids):
        marks[row, list(those)] = True
    return marks


def of(rows_: list[SamplingParams]) -> rows.SamplingRows:
    table = torch.from_numpy(np.stack([settings_row(one) for one in rows_]))
    return rows.SamplingRows.of(table, VOCAB_SIZE)


@settings(max_examples=80, deadline=None)
@given(batch)
def test_ids_are_those_of_the_plain_draw_ties_included(
    drawn: list[tuple[SamplingParams, list[float], set[int], set[int], float]],
) -> None:
    each, numbers, seen, banned, uniforms = (list(column) for column in zip(*drawn, strict=True))
    logits, unit = torch.tensor(numbers), torch.tensor(uniforms, dtype=torch.float64)
    together = plain.SamplingBatch.of(each, torch.device("cpu"))
    penalised = plain.penalise(logits, marked(seen), together)
    free = penalised.masked_fill(marked(banned), float("-inf"))
    same = rows.penalise(logits, marked(seen), of(each))
    torch.testing.assert_close(same, penalised, rtol=0, atol=0)
    ids = rows.draw(free, of(each), unit)
    assert ids.tolist() == plain.draw(free, together, unit).tolist()
    alone = [rows.draw(free[i : i + 1], of([one]), unit[i : i + 1]) for i, one in enumerate(each)]
    assert ids.tolist() == torch.cat(alone).tolist()


def test_what_is_not_a_number_gives_an_id_that_a_table_has() -> None:
    each = [SamplingParams(), SamplingParams(greedy=True), SamplingParams(top_p=0.5)]
    for bad in (torch.nan, torch.inf, -torch.inf):
        logits = torch.full((3, VOCAB_SIZE), bad)
        ids = rows.draw(logits, of(each), torch.tensor([0.3, 0.3, 1 - 2**-53], dtype=torch.float64))
        assert ((ids >= 0) & (ids < VOCAB_SIZE)).all()
