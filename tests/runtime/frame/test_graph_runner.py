"""Takes of the graph-shaped runner are those of the plain one, in fp32, to the last code."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from tests.runtime.frame.conftest import (
    LAYOUT,
    NUM_SLOTS,
    SETTINGS,
    Networks,
    NetworksOf,
    Player,
    alone,
    custom_specs,
    jobs,
    load,
    specs_of,
    together,
)

from intone.core.errors import CapacityError
from intone.core.types import Codes, ModelKind, SamplingParams
from intone.prompt.spec import PromptSpec
from intone.runtime.frame.prefill import PromptStep
from intone.runtime.graph_runner import GraphRunner, batch_sizes


@pytest.fixture(scope="module")
def reference(networks: NetworksOf) -> list[Codes]:
    """Returns the codes of `jobs` by the plain runner."""
    model = networks("custom")
    codes = together(model.torch_runner(), jobs(model), [0] * 5)
    assert all(len(np.unique(one)) > 10 for one in codes), "constant codes would prove nothing"
    return codes


@torch.inference_mode()
def spoil(runner: GraphRunner) -> None:
    """Makes everything that earlier takes left behind poisonous."""
    networks = runner._networks
    for tensor in (
        networks.state.hidden, networks.state.logits, networks.cache.keys, networks.cache.values,
    ):  # fmt: skip
        tensor.fill_(torch.nan)
    networks.state.seen.fill_(True)


@pytest.mark.parametrize("kind", ["base", "design"])
def test_takes_of_every_kind_are_those_of_the_plain_runner(
    networks: NetworksOf, kind: ModelKind
) -> None:
    """ICL prompts, x-vectors and instructs; the custom kind stands in every other test."""
    model = networks(kind)
    takes = [
        model.job(spec, seed, SETTINGS[seed], SETTINGS[seed - 1])
        for seed, spec in enumerate(specs_of(kind, model))
    ]
    joins = [0] * len(takes)
    plain = together(model.torch_runner(), takes, joins)
    for one, codes in zip(plain, together(model.graph_runner(), takes, joins), strict=True):
        np.testing.assert_array_equal(codes, one)


@pytest.mark.parametrize("lag_frames", [0, 1])
def test_takes_are_the_same_together_and_staggered_read_at_once_and_late(
    custom: Networks, reference: list[Codes], lag_frames: int
) -> None:
    """Batches of 1 to 5 pass through sizes 1, 2, 4 and 8, most of them padded."""
    runner = custom.graph_runner(lag_frames=lag_frames)
    assert runner.lag_frames == lag_frames
    spoil(runner)
    for codes, one in zip(together(runner, jobs(custom), [7, 2, 5, 5, 0]), reference, strict=True):
        np.testing.assert_array_equal(codes, one)


def test_a_take_alone_is_that_in_company(custom: Networks, reference: list[Codes]) -> None:
    runner = custom.graph_runner(num_slots=1)
    codes = alone(runner, jobs(custom)[1], num_frames=12)
    np.testing.assert_array_equal(codes, reference[1][:12])


def test_pages_may_lie_anywhere(custom: Networks, reference: list[Codes]) -> None:
    """Each take passes the end of a page at least once."""
    runner, takes = custom.graph_runner(), jobs(custom)
    pages = list(range(LAYOUT.num_pages))
    random.Random(3).shuffle(pages)
    player = Player(runner, free=pages)
    num_frames = LAYOUT.page_positions + 1
    for number in range(3):
        player.begin(number, number, takes[number])
    for _ in range(num_frames):
        player.turn([0, 1, 2])
    for number in range(3):
        codes = player.take(number, num_frames)
        np.testing.assert_array_equal(codes, reference[number][:num_frames])


def test_a_take_that_lost_its_slot_goes_on_as_if_it_had_not(
    custom: Networks, reference: list[Codes]
) -> None:
    runner, takes = custom.graph_runner(lag_frames=1), jobs(custom)
    for lost_after in (1, 9):
        player, num_frames = Player(runner), lost_after + 8
        player.runner.begin([player.start(number, number, takes[number]) for number in (3, 4)])
        for _ in range(lost_after):
            player.turn([3, 4])
        player.drain()
        for number in (3, 4):
            player.release(number)
        spoil(runner)
        player.runner.begin(
            [
                player.start(number, slot, takes[number], np.stack(player.codes[number]))
                for number, slot in ((3, 5), (4, 1))
            ]
        )
        for _ in range(num_frames - lost_after):
            player.turn([4, 3])
        player.drain()
        for number in (3, 4):
            codes = player.take(number, num_frames)
            np.testing.assert_array_equal(codes, reference[number][:num_frames])
            player.release(number)


def test_a_slot_and_its_pages_tell_nothing_to_the_next_take(
    custom: Networks, reference: list[Codes]
) -> None:
    """The slot is begun anew while the last frame of its old take is under way."""
    runner, takes = custom.graph_runner(num_slots=2, lag_frames=1), jobs(custom)
    player = Player(runner)
    player.begin(0, 0, takes[0])
    player.begin(1, 1, takes[1])
    for _ in range(3):
        player.launch([0, 1])
        if len(player._in_flight) > 1:
            player.collect()
    player.release(0)
    player.free.sort()
    player.begin(2, 0, takes[2])
    for _ in range(9):
        player.turn([1, 2])
    player.drain()
    np.testing.assert_array_equal(player.take(2, 9), reference[2][:9])
    np.testing.assert_array_equal(player.take(1, 12), reference[1][:12])
    np.testing.assert_array_equal(player.take(0, 3), reference[0][:3])


def test_takes_that_wait_lose_nothing(custom: Networks, reference: list[Codes]) -> None:
    runner, takes = custom.graph_runner(lag_frames=1), jobs(custom)
    player = Player(runner)
    for number in (0, 2, 3):
        player.begin(number, number, takes[number])
    for turn in ([0, 2, 3], [0, 3], [3], [2], [3, 0], [0], [2, 0], [3, 2, 0]):
        player.turn(turn)
    player.drain()
    for number in (0, 2, 3):
        codes = np.stack(player.codes[number])
        np.testing.assert_array_equal(codes, reference[number][: len(codes)])


def test_the_end_is_reported_and_harms_nobody(custom: Networks, reference: list[Codes]) -> None:
    runner, takes = custom.graph_runner(lag_frames=1), jobs(custom)
    player = Player(runner)
    ends = custom.job(custom_specs()[0], 9, SamplingParams(greedy=True), min_frames=2)
    player.begin(1, 1, takes[1])
    player.begin(9, 3, ends)
    end = custom.talker.config.codec_eos_id
    for turn in range(5):
        with torch.inference_mode():
            runner._networks.state.logits[3, end] = 1e4
        player.turn([1, 9])
        assert player.ended == ({9} if turn - 1 >= 2 else set())
    player.drain()
    assert len(player.codes[9]) == 2, "the end is banned before min_frames"
    np.testing.assert_array_equal(player.take(1, 5), reference[1][:5])


def test_control_ids_are_never_drawn(custom: Networks) -> None:
    runner = custom.graph_runner(num_slots=1)
    player = Player(runner)
    player.begin(0, 0, jobs(custom)[0])
    vocab_size = custom.talker.config.vocab_size
    with torch.inference_mode():
        runner._networks.state.logits[0, vocab_size - 1024 :] = 1e3
    player.turn([0])
    assert player.codes[0][0][0] < vocab_size - 1024


def test_many_takes_begin_at_once_in_padded_batches(
    custom: Networks, reference: list[Codes]
) -> None:
    """Six prompts in two sizes: four together, and two with a long past."""
    runner, takes = custom.graph_runner(), jobs(custom)
    player = Player(runner)
    starts = [player.start(number, number, takes[number]) for number in range(5)]
    again = custom.job(custom_specs()[1], 1, SETTINGS[1], SETTINGS[2])
    starts.append(player.start(5, 5, again, reference[1][:20]))
    player.runner.begin(starts[::-1])
    for _ in range(3):
        player.turn(list(range(6)))
    for number in range(5):
        np.testing.assert_array_equal(player.take(number, 3), reference[number][:3])
    np.testing.assert_array_equal(player.take(5, 3), reference[1][20:23])


def test_a_prompt_longer_than_every_recorded_size_is_read(custom: Networks) -> None:
    spec = PromptSpec(text="word " * 290, speaker="ryan")
    job = custom.job(spec, min_frames=4)
    assert job.prompt.num_rows > 256
    runner = GraphRunner(
        custom.talker, custom.predictor, num_slots=1, layout=LAYOUT, num_positions=1024,
        graphs=custom.pool(),
    )  # fmt: skip
    plain = custom.torch_runner(num_positions=1024)
    np.testing.assert_array_equal(alone(runner, job, num_frames=4), alone(plain, job, num_frames=4))


def test_a_launch_too_many_is_a_fault(custom: Networks) -> None:
    player = Player(custom.graph_runner(lag_frames=1))
    player.begin(0, 0, jobs(custom)[0])
    player.launch([0])
    player.launch([0])
    with pytest.raises(AssertionError, match="collect what was launched"):
        player.launch([0])


def test_sizes_reach_as_far_as_the_slots() -> None:
    assert batch_sizes(1) == [1]
    assert batch_sizes(NUM_SLOTS) == [1, 2, 4, 8]
    assert batch_sizes(64) == [1, 2, 4, 8, 16, 24, 32, 48, 64]
    assert batch_sizes(80)[-1] == 80


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_takes_in_16_bits_are_finite_in_range_and_the_same_in_every_slot(
    custom: Networks, dtype: torch.dtype
) -> None:
    model = load(custom.directory, "cpu", dtype)
    runner, takes = model.graph_runner(num_slots=2), jobs(model)
    player = Player(runner)
    player.runner.begin([player.start(0, 1, takes[1]), player.start(1, 0, takes[1])])
    for _ in range(5):
        player.turn([0, 1])
    assert torch.isfinite(runner._networks.state.logits[:2]).all()
    codes = player.take(0, 5)
    assert codes.min() >= 0
    assert codes.max() < model.predictor.config.vocab_size
    np.testing.assert_array_equal(player.take(1, 5), codes)


def test_a_prompt_that_the_device_has_no_memory_for_is_refused_and_later_ones_are_read(
    networks: NetworksOf, reference: list[Codes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def runs_full(step: PromptStep) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    model = networks("custom")
    runner, take = model.graph_runner(), jobs(model)[0]
    with monkeypatch.context() as full:
        full.setattr(PromptStep, "__call__", runs_full)
        with pytest.raises(CapacityError, match=r"cpu has too little memory .* up to 32 rows"):
            runner.begin([Player(runner).start(0, 0, take)])
    runner.release(0)
    np.testing.assert_array_equal(alone(runner, take), reference[0])
