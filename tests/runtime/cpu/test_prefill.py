"""A long prompt is read in parts, which bounds what reading it needs in memory."""

from __future__ import annotations

import numpy as np
import pytest
from tests.runtime.cpu.conftest import BuiltOf

from intone.runtime.cpu import networks


@pytest.mark.parametrize("num_rows", [7, 8, 9, 31])
def test_a_prompt_in_parts_gives_what_it_gives_whole(
    built: BuiltOf, monkeypatch: pytest.MonkeyPatch, num_rows: int
) -> None:
    graphs = built("custom", "fp32")
    width = graphs.description.config.talker.hidden_size
    rows = np.random.default_rng(0).normal(size=(num_rows, width)).astype(np.float32)
    run, lengths = networks.CachedTransformer.run, []

    def counted(blocks: networks.CachedTransformer, first: int, part: np.ndarray, last: np.ndarray):
        lengths.append(part.shape[1])
        return run(blocks, first, part, last)

    whole = after_prefill(graphs.talker(), rows)
    monkeypatch.setattr(networks, "_PREFILL_ROWS", 8)
    monkeypatch.setattr(networks.CachedTransformer, "run", counted)
    in_parts = after_prefill(graphs.talker(), rows)

    assert max(lengths) <= 8
    assert sum(lengths) == num_rows + 1
    np.testing.assert_allclose(in_parts, whole, rtol=1e-5, atol=1e-5)


def after_prefill(network: networks.TalkerNetwork, rows: np.ndarray) -> np.ndarray:
    """Returns the logits of the prompt and of one step after it."""
    first = network.prefill(0, rows)["logits"].copy()
    step = network.decode(0, rows[:1], np.array([len(rows)], dtype=np.int32))["logits"]
    return np.concatenate([first, step])
