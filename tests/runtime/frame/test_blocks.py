"""Halves of decoder blocks: together the block, fused or not, and never more than a choice."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import torch
from tests.runtime.frame.conftest import Networks, jobs, together
from torch import Tensor

from intone.models.layers import CausalAttention, DecoderBlock, run_blocks
from intone.runtime.frame import blocks
from intone.runtime.frame.blocks import BlockHalves, Fused, compiled

CPU = torch.device("cpu")


def rows(custom: Networks, num_rows: int = 5) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    x = torch.randn(
        2, num_rows, custom.talker.config.hidden_size, generator=torch.Generator().manual_seed(1)
    )
    rotation = custom.talker.rotary_table(num_rows, CPU).rows(slice(0, num_rows), x.dtype)
    return x, rotation


@torch.inference_mode()
def test_halves_with_attention_between_them_are_the_block(custom: Networks) -> None:
    x, rotation = rows(custom)
    blocks = custom.talker.model.layers
    whole = run_blocks(blocks, x, rotation, CausalAttention())
    halves = BlockHalves(CPU).run(blocks, x, rotation, CausalAttention())
    torch.testing.assert_close(halves, whole, rtol=0, atol=0)


def test_nothing_is_compiled_for_a_cpu() -> None:
    assert compiled(DecoderBlock.before_attention, CPU) is DecoderBlock.before_attention


def test_a_compiler_that_fails_is_named_once_and_not_asked_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    asked = []

    def fails(number: int) -> int:
        asked.append(number)
        raise RuntimeError("no compiler\nand many lines")

    double = Fused(lambda number: 2 * number, fails)
    with caplog.at_level(logging.WARNING, logger="intone"):
        assert [double(1), double(2)] == [2, 4]
    assert asked == [1]
    assert caplog.messages == ["steps without torch.compile (no compiler): slower, same speech"]


def test_a_fault_of_the_work_itself_is_not_hidden_by_its_twin() -> None:
    def work(number: int) -> int:
        raise ValueError("a fault")

    with pytest.raises(ValueError, match="a fault"):
        Fused(work, work)(1)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of torch's own compiler
def test_fused_frames_give_the_codes_of_plain_ones_within_the_limit_of_compilations(
    custom: Networks, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Inductor on a CPU, for every size of batch."""
    monkeypatch.setattr(
        blocks,
        "compiled",
        lambda function, device: blocks.Fused(function, blocks.inductor(function)),
    )
    fused, takes = custom.graph_runner(), jobs(custom)
    joins = [0, 1, 1, 3, 4]  # batches of one to five
    with caplog.at_level(logging.WARNING):
        codes = together(fused, takes, joins, num_frames=6)
    assert caplog.messages == [], "neither a missing compiler nor a limit that was passed"
    for one, other in zip(
        together(custom.graph_runner(), takes, joins, num_frames=6), codes, strict=True
    ):
        np.testing.assert_array_equal(one, other)
