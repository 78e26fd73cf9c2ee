"""What a CUDA graph asks of recorded work: the same tensors each time, and no look at a value."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from tests.runtime.frame.conftest import (
    LAYOUT,
    NUM_POSITIONS,
    Networks,
    Player,
    jobs,
    together,
)
from tests.runtime.frame.tape import TapePool
from torch import Tensor

from intone.models.code_predictor import CodePredictor
from intone.models.config import ModelConfig
from intone.models.layers import pack_attention
from intone.models.official_layout import RandomSize, model_config
from intone.models.talker import Talker
from intone.runtime.frame.blocks import BlockHalves
from intone.runtime.frame.networks import FrameNetworks
from intone.runtime.frame.prefill import PromptInputs, PromptStep
from intone.runtime.frame.step import FrameInputs, FrameStep
from intone.runtime.frame.tables import FoldedTables
from intone.runtime.graph_runner import GraphRunner
from intone.runtime.job import PageLayout


def tensors_of(runner: GraphRunner) -> Iterator[tuple[str, Tensor]]:
    """Returns every tensor that recorded work reads or writes, by name."""
    state, cache = runner._networks.state, runner._networks.cache
    yield from (("hidden", state.hidden), ("logits", state.logits), ("seen", state.seen))
    yield from (("settings", state.settings), ("keys", cache.keys), ("values", cache.values))
    for size, frame in runner._frames.items():
        for place, tensor in enumerate(frame.inputs._upload.tensors):
            yield f"frame {size}, input {place}", tensor
        yield f"frame {size}, codes", frame.codes._source
    for shape, prompts in runner._prompts.items():
        for place, tensor in enumerate(prompts.inputs._upload.tensors):
            yield f"prompts {shape}, input {place}", tensor


def test_steps_that_are_run_again_use_the_same_tensors_with_new_values(custom: Networks) -> None:
    runner, takes = custom.graph_runner(), jobs(custom)
    before = {name: (id(tensor), tensor.data_ptr()) for name, tensor in tensors_of(runner)}
    player, seen = Player(runner), []
    for number in range(3):
        player.begin(number, number, takes[number])
        player.turn(list(range(number + 1)))
        seen.append(runner._networks.state.logits[:3].clone())
    assert {name: (id(tensor), tensor.data_ptr()) for name, tensor in tensors_of(runner)} == before
    assert not torch.equal(seen[0], seen[1])
    assert not torch.equal(seen[1], seen[2])


def test_operations_written_down_on_padding_make_the_takes_of_the_plain_runner(
    custom: Networks,
) -> None:
    """Neither joins, ends, positions, text, settings nor pages reach the work but by tensors."""
    graphs = TapePool()
    runner = GraphRunner(
        custom.talker, custom.predictor, num_slots=4, layout=LAYOUT, num_positions=NUM_POSITIONS,
        graphs=graphs, lag_frames=1,
    )  # fmt: skip
    num_recorded, takes = graphs.num_graphs, jobs(custom)[1:]
    assert num_recorded == 3 + 3 * 4, "frames of 1, 2, 4 rows; prompts of 32 to 256 rows by as many"
    joins = [3, 0, 1, 1]
    plain = together(custom.torch_runner(), takes, joins, num_frames=6)
    for one, codes in zip(plain, together(runner, takes, joins, num_frames=6), strict=True):
        np.testing.assert_array_equal(codes, one)
    assert graphs.num_graphs == num_recorded, "nothing is recorded while serving"


def networks_without_values(size: RandomSize) -> tuple[Talker, CodePredictor]:
    """Returns the networks of a released size on the meta device, where tensors have no values."""
    ids = dict.fromkeys(
        (
            "<|im_start|>",
            "<|im_end|>",
            "assistant",
            "<tts_pad>",
            "<tts_text_bos>",
            "<tts_text_eod>",
        ),
        0,
    )
    config = ModelConfig.from_dict(model_config("custom", size, ids, 151_936))
    with torch.device("meta"):
        talker, predictor = Talker(config.talker), CodePredictor(config.code_predictor)
    for network in (talker, predictor):
        pack_attention(network.to(torch.bfloat16))
    return talker, predictor


@pytest.mark.parametrize("size", ["1.7b", pytest.param("0.6b", marks=pytest.mark.slow)])
@torch.inference_mode()
def test_no_step_of_the_released_sizes_reads_a_value_or_a_tensor_of_the_host(
    size: RandomSize,
) -> None:
    """Whatever looks at a value, or mixes in a tensor of the CPU, raises."""
    talker, predictor = networks_without_values(size)
    parts = FrameNetworks.of(
        talker, predictor, FoldedTables(talker, predictor), BlockHalves(torch.device("meta")),
        num_slots=4, max_rows=4, layout=PageLayout(num_pages=300, page_positions=64),
        num_positions=4096, prompt_positions=1024,
    )  # fmt: skip
    step = FrameStep(parts, FrameInputs(parts, 4, depth=2))
    step()
    assert step.codes.shape == (4, 16)
    PromptStep(parts, PromptInputs(parts, (2, 64), depth=2))()
