"""Takes of the CPU's runner: those of torch in fp32, alone as in company in every precision."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from tests.runtime.cpu.conftest import NUM_POSITIONS, NUM_SLOTS, Built, BuiltOf

from intone.core.types import Codes, ModelKind, SamplingParams
from intone.models.checkpoint import Checkpoint
from intone.prompt.spec import PromptSpec
from intone.runtime.cpu.built import Precision
from intone.runtime.immediate import ImmediateRunner
from intone.runtime.job import SlotJob
from intone.runtime.stage_times import StageTimes
from intone.runtime.torch_opening import open_networks

NUM_FRAMES = 16
GREEDY = SamplingParams(greedy=True, repetition_penalty=1.05)


def custom_specs() -> list[PromptSpec]:
    return [
        PromptSpec(text="Hello, world.", speaker="ryan", language="english"),
        PromptSpec(text="A longer sentence than the others.", speaker="vivian"),
        PromptSpec(text="Dialect.", speaker="dylan", text_layout="per_frame"),
        PromptSpec(text="Hot!", speaker="eric", text_layout="at_once"),
    ]


def base_specs(hidden_size: int, num_codebooks: int) -> list[PromptSpec]:
    rng = np.random.default_rng(5)
    x_vector = rng.standard_normal(hidden_size, np.float32)
    ref_codes = rng.integers(0, 64, (9, num_codebooks))
    return [
        PromptSpec(text="By x-vector.", x_vector=x_vector),
        PromptSpec(text="At once.", x_vector=x_vector, text_layout="at_once"),
        PromptSpec(text="With words.", x_vector=x_vector, ref_codes=ref_codes, ref_text="before"),
        PromptSpec(
            text="Words at once.",
            x_vector=x_vector,
            ref_codes=ref_codes,
            ref_text="before",
            text_layout="at_once",
        ),
    ]


def design_specs() -> list[PromptSpec]:
    return [
        PromptSpec(text="Designed.", instruct="a low voice"),
        PromptSpec(text="Without.", text_layout="per_frame"),
    ]


def specs_of(kind: ModelKind, graphs: Built) -> list[PromptSpec]:
    talker = graphs.description.config.talker
    if kind == "base":
        return base_specs(talker.hidden_size, talker.num_codebooks)
    return custom_specs() if kind == "custom" else design_specs()


def job(graphs: Built, spec: PromptSpec, seed: int, sampling: SamplingParams) -> SlotJob:
    return SlotJob(
        prompt=graphs.prompts().build(spec),
        sampling=sampling,
        predictor_sampling=sampling,
        seed=seed,
        min_frames=NUM_FRAMES,  # a random network may draw the end at any time
    )


def take(runner: ImmediateRunner, slot: int, one: SlotJob, num_frames: int = NUM_FRAMES) -> Codes:
    """Returns the codes [F, K] of a job in a slot of its own, nothing else running."""
    runner.prefill(slot, one)
    codes = np.concatenate([runner.step([slot]).codes for _ in range(num_frames)])
    runner.release(slot)
    return codes


def jobs(graphs: Built) -> list[SlotJob]:
    """Sampled takes whose prompts differ in length."""
    settings = [
        SamplingParams(),
        SamplingParams(top_p=0.8, top_k=0),
        GREEDY,
        SamplingParams(temperature=1.4, repetition_penalty=1.3),
    ]
    specs = custom_specs()
    return [
        job(graphs, spec, i, s) for i, (spec, s) in enumerate(zip(specs, settings, strict=True))
    ]


@pytest.mark.parametrize("kind", ["custom", "base", "design"])
def test_greedy_takes_in_fp32_are_those_of_torch(
    tiny_checkpoint: Callable[[ModelKind], Path], built: BuiltOf, kind: ModelKind
) -> None:
    graphs = built(kind, "fp32")
    runner = graphs.runner(num_slots=1)
    directory = Checkpoint(tiny_checkpoint(kind)).directory
    torchs, _ = open_networks(
        directory, "cpu", "fp32", num_slots=1, num_positions=NUM_POSITIONS, times=StageTimes()
    )
    for spec in specs_of(kind, graphs):
        greedy = job(graphs, spec, 0, GREEDY)
        codes = take(runner, 0, greedy)
        np.testing.assert_array_equal(codes, take(torchs, 0, greedy), err_msg=spec.text)
        assert len(np.unique(codes)) > 10, "constant codes would prove nothing"


def test_sampled_takes_in_fp32_are_those_of_torch(
    tiny_checkpoint: Callable[[ModelKind], Path], built: BuiltOf
) -> None:
    graphs = built("custom", "fp32")
    runner = graphs.runner(num_slots=1)
    torchs, _ = open_networks(
        tiny_checkpoint("custom"), "cpu", "fp32",
        num_slots=1, num_positions=NUM_POSITIONS, times=StageTimes(),
    )  # fmt: skip
    for one in jobs(graphs):
        np.testing.assert_array_equal(take(runner, 0, one), take(torchs, 0, one))


def test_takes_are_the_same_alone_in_a_batch_and_with_staggered_joins(built: BuiltOf) -> None:
    graphs = built("custom", "fp32")
    runner, takes = graphs.runner(), jobs(graphs)
    alone = [take(runner, 0, one) for one in takes]
    for joins in ([0, 0, 0, 0], [0, 2, 5, 9]):
        together = staggered(runner, takes, joins)
        for number, (one, other) in enumerate(zip(alone, together, strict=True)):
            np.testing.assert_array_equal(other, one, err_msg=f"take {number}, joins {joins}")


@pytest.mark.parametrize("precision", ["int8", "int4"])
def test_fewer_bits_give_the_same_take_again_whatever_shares_its_step(
    built: BuiltOf, precision: Precision
) -> None:
    """Two rows are summed alike beside each other; a lone one is not, to the last bit."""
    graphs = built("custom", precision)
    runner, takes = graphs.runner(), jobs(graphs)
    for one in takes:
        np.testing.assert_array_equal(take(runner, 0, one), take(runner, 1, one))
    together = staggered(runner, takes[:2], [0, 0])
    for other in takes[2:]:
        again = staggered(runner, [takes[0], other], [0, 0])
        np.testing.assert_array_equal(again[0], together[0])


@pytest.mark.parametrize("precision", ["int8", "int4"])
def test_fewer_bits_stay_close_in_company(built: BuiltOf, precision: Precision) -> None:
    graphs = built("custom", precision)
    runner, takes = graphs.runner(), jobs(graphs)
    for slot, one in enumerate(takes):
        runner.prefill(slot, one)
    frames = runner.step([0, 1, 2, 3]).codes
    hidden = [runner._slots[slot].hidden for slot in range(4)]
    num_compared = 0
    for slot, one in enumerate(takes):
        runner.prefill(slot, one)
        codes = runner.step([slot]).codes[0]
        if (codes == frames[slot]).all():  # a draw may fall on a boundary
            lone = runner._slots[slot].hidden
            assert np.abs(lone - hidden[slot]).max() < 0.05 * np.abs(lone).max()
            num_compared += 1
    assert num_compared >= 2


def staggered(
    runner: ImmediateRunner, takes: Sequence[SlotJob], joins: Sequence[int]
) -> list[Codes]:
    """Returns the codes of takes that begin at the turns `joins`, take i in slot i."""
    frames: list[list[Codes]] = [[] for _ in takes]
    for turn in range(max(joins) + NUM_FRAMES):
        for slot, begins in enumerate(joins):
            if begins == turn:
                runner.prefill(slot, takes[slot])
        running = [i for i, begins in enumerate(joins) if begins <= turn < begins + NUM_FRAMES]
        for slot, codes in zip(running, runner.step(running).codes, strict=True):
            frames[slot].append(codes)
        for slot in running:
            if len(frames[slot]) == NUM_FRAMES:
                runner.release(slot)
    return [np.stack(codes) for codes in frames]


def test_slots_that_wait_between_running_ones_lose_nothing(built: BuiltOf) -> None:
    """Back-pressure steps slots 0 and 3 only; 1 waits with a take of its own, 2 is free."""
    graphs = built("custom", "fp32")
    runner, takes = graphs.runner(), jobs(graphs)
    alone = [take(runner, 0, one) for one in takes]
    for slot in (0, 1, 3):
        runner.prefill(slot, takes[slot])
    frames: dict[int, list[Codes]] = {0: [], 1: [], 3: []}
    turns = [[0, 1, 3], [0, 3], [0, 3], [3], [1], [0, 3], [1, 3], [0], [0, 1], [3, 0]]
    for running in turns:
        for slot, codes in zip(running, runner.step(running).codes, strict=True):
            frames[slot].append(codes)
    for slot, codes in frames.items():
        np.testing.assert_array_equal(np.stack(codes), alone[slot][: len(codes)], err_msg=f"{slot}")


def test_a_slot_begun_beside_running_ones_takes_no_harm_from_their_steps(built: BuiltOf) -> None:
    """A free slot between running ones is written to by their steps; a prompt then covers it."""
    graphs = built("custom", "fp32")
    runner, takes = graphs.runner(), jobs(graphs)
    alone = [take(runner, 0, one) for one in takes]
    runner.prefill(0, takes[0])
    runner.prefill(2, takes[2])
    for _ in range(3):
        runner.step([0, 2])
    np.testing.assert_array_equal(take(runner, 1, takes[1]), alone[1])


def test_a_slot_remembers_nothing_of_its_last_take(built: BuiltOf) -> None:
    graphs = built("custom", "int8")
    runner, takes = graphs.runner(num_slots=1), jobs(graphs)
    fresh = take(runner, 0, takes[0])
    take(runner, 0, takes[1], num_frames=60)
    np.testing.assert_array_equal(take(runner, 0, takes[0]), fresh)


def test_the_end_is_reported_and_leaves_the_other_slots_running(built: BuiltOf) -> None:
    graphs = built("custom", "fp32")
    runner, takes = graphs.runner(), jobs(graphs)
    eos = graphs.description.config.talker.codec_eos_id
    alone = take(runner, 0, takes[2], num_frames=3)
    runner.prefill(0, takes[0])
    runner.prefill(1, takes[2])
    slot = runner._slots[0]
    object.__setattr__(slot.job, "min_frames", 0)
    object.__setattr__(slot.job, "sampling", GREEDY)
    slot.logits[eos] = 1e3
    batch = runner.step([0, 1])
    assert batch.ended.tolist() == [True, False]
    np.testing.assert_array_equal(batch.codes[1], alone[0])
    runner.release(0)
    assert not runner.step([1]).ended.any()


def test_control_ids_are_never_drawn(built: BuiltOf) -> None:
    graphs = built("custom", "int4")
    runner, takes = graphs.runner(num_slots=1), jobs(graphs)
    config = graphs.description.config.talker
    runner.prefill(0, takes[0])
    runner._slots[0].logits[config.vocab_size - 1024 :] = 1e3
    assert runner.step([0]).codes[0, 0] < config.vocab_size - 1024


def test_there_are_as_many_slots_as_asked_for(built: BuiltOf) -> None:
    assert built("custom", "int8").runner().num_slots == NUM_SLOTS
