"""The same takes on a GPU: recorded, late, in bf16; run with `-m gpu`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.runtime.frame.conftest import (
    LAYOUT,
    NUM_FRAMES,
    NUM_POSITIONS,
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
from torch import Tensor

from intone.core.types import ModelKind, SamplingParams
from intone.runtime.frame.prompt_rows import settings_row
from intone.runtime.frame.sampling import SamplingRows, draw
from intone.runtime.graph_opening import open_graph_networks
from intone.runtime.graph_runner import GraphRunner
from intone.runtime.graphs import GraphPool
from intone.runtime.job import SlotJob
from intone.runtime.stage_times import StageTimes

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of torch's own compiler
    pytest.mark.filterwarnings("ignore::UserWarning"),  # of Triton's, of its coming defaults
]

CUDA = torch.device("cuda")
GREEDY = SamplingParams(greedy=True, repetition_penalty=1.05)


@pytest.fixture(scope="module")
def on_gpu(tiny_checkpoint: Callable[[ModelKind], Path]) -> Networks:
    return load(tiny_checkpoint("custom"), "cuda")


def runner_of(model: Networks, graphs: GraphPool, *, fuse: bool = False) -> GraphRunner:
    return GraphRunner(
        model.talker, model.predictor, num_slots=5, layout=LAYOUT, num_positions=NUM_POSITIONS,
        graphs=graphs, fuse=fuse,
    )  # fmt: skip


@pytest.fixture(scope="module")
def graphs() -> GraphPool:
    return GraphPool(CUDA)


@pytest.fixture(scope="module")
def recorded(on_gpu: Networks, graphs: GraphPool) -> Iterator[GraphRunner]:
    """A recorded runner in fp32 whose blocks are not fused."""
    runner = runner_of(on_gpu, graphs)
    yield runner
    runner.close()


def greedy_jobs(model: Networks) -> list[SlotJob]:
    return [model.job(spec, 0, GREEDY, GREEDY) for spec in custom_specs()]


def logits_after(runner: GraphRunner, takes: list[SlotJob], num_frames: int) -> Tensor:
    """Returns the logits [N, V] that stand after so many frames, on the CPU."""
    player = Player(runner)
    player.runner.begin([player.start(number, number, job) for number, job in enumerate(takes)])
    for _ in range(num_frames):
        player.turn(list(range(len(takes))))
    player.drain()
    logits = runner._networks.state.logits[: len(takes)].cpu()
    for number in range(len(takes)):
        player.release(number)
    return logits


@pytest.mark.parametrize("num_frames", [0, 8])
def test_logits_in_fp32_are_those_of_a_cpu_within_a_thousandth(
    custom: Networks, recorded: GraphRunner, num_frames: int
) -> None:
    """Of prompts alone, and after frames were read."""
    takes = greedy_jobs(custom)
    on_cpu = logits_after(custom.graph_runner(), takes, num_frames)
    on_device = logits_after(recorded, takes, num_frames)
    torch.testing.assert_close(on_device, on_cpu, rtol=1e-3, atol=1e-3)


def test_greedy_codes_are_those_of_a_cpu(custom: Networks, recorded: GraphRunner) -> None:
    takes = greedy_jobs(custom)
    joins = [0, 0, 1, 3, 3]
    plain = together(custom.torch_runner(), takes, joins)
    for one, codes in zip(plain, together(recorded, takes, joins), strict=True):
        np.testing.assert_array_equal(codes, one)
        assert len(codes) == NUM_FRAMES


@pytest.mark.parametrize("kind", ["base", "design"])
def test_takes_of_every_kind_are_those_of_a_cpu(networks: NetworksOf, kind: ModelKind) -> None:
    model = networks(kind)
    takes = [model.job(spec, 0, GREEDY, GREEDY) for spec in specs_of(kind, model)]
    joins = [0] * len(takes)
    recorded = runner_of(load(model.directory, "cuda"), GraphPool(CUDA))
    plain = together(model.torch_runner(), takes, joins)
    for one, codes in zip(plain, together(recorded, takes, joins), strict=True):
        np.testing.assert_array_equal(codes, one)


def test_recorded_frames_are_those_of_the_same_work_called(
    on_gpu: Networks, recorded: GraphRunner
) -> None:
    """Sampled, with settings of all sorts side by side."""
    called = runner_of(on_gpu, GraphPool(CUDA, eager=True))
    takes, joins = jobs(on_gpu), [2, 0, 1, 1, 5]
    for one, codes in zip(
        together(called, takes, joins), together(recorded, takes, joins), strict=True
    ):
        np.testing.assert_array_equal(codes, one)


def test_fused_blocks_give_the_same_greedy_takes(on_gpu: Networks, recorded: GraphRunner) -> None:
    fused = runner_of(on_gpu, GraphPool(CUDA), fuse=True)
    takes, joins = greedy_jobs(on_gpu), [0] * 5
    for one, codes in zip(
        together(recorded, takes, joins), together(fused, takes, joins), strict=True
    ):
        np.testing.assert_array_equal(codes, one)


def test_draws_of_one_kernel_are_the_plain_ones(recorded: GraphRunner) -> None:
    generator = torch.Generator().manual_seed(1)
    settings = torch.from_numpy(np.stack([settings_row(one) for one in SETTINGS])).to(CUDA)
    num_rows = len(SETTINGS)
    for num_ids in (64, 1088, 2048, 3072):
        rows = SamplingRows.of(settings, num_ids)
        logits = (4 * torch.randn(num_rows, num_ids, generator=generator)).to(CUDA)
        uniforms = torch.rand(num_rows, 3, generator=generator, dtype=torch.float64).to(CUDA)
        for book in range(3):
            ids = recorded._networks.draw(logits, rows, uniforms[:, book])
            assert ids.tolist() == draw(logits, rows, uniforms[:, book]).tolist()


def test_nothing_is_recorded_while_serving(
    on_gpu: Networks, recorded: GraphRunner, graphs: GraphPool
) -> None:
    assert recorded.lag_frames == 1
    before = graphs.num_graphs
    assert before > 0
    together(recorded, jobs(on_gpu), [0, 1, 2, 3, 4], num_frames=6)
    assert graphs.num_graphs == before


@contextmanager
def waiting_raises() -> Iterator[None]:
    """Within, torch raises where the host would wait for the device."""
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_neither_a_prefill_nor_a_launch_waits_for_the_device(
    on_gpu: Networks, recorded: GraphRunner
) -> None:
    player, takes = Player(recorded), jobs(on_gpu)
    with waiting_raises():
        recorded.begin([player.start(number, number, takes[number]) for number in range(3)])
    for _ in range(4):
        with waiting_raises():
            player.launch([0, 1, 2])
        if len(player._in_flight) > 1:
            player.collect()
    player.drain()


def test_takes_in_bf16_are_finite_and_in_range_alone_as_in_company(
    tiny_checkpoint: Callable[[ModelKind], Path],
) -> None:
    model = load(tiny_checkpoint("custom"), "cuda", torch.bfloat16)
    runner = runner_of(model, GraphPool(CUDA), fuse=True)
    takes = jobs(model)
    codes = together(runner, takes, [0, 0, 2, 2, 4])
    assert torch.isfinite(runner._networks.state.logits[:5]).all()
    num_sounds = model.predictor.config.vocab_size
    for one in codes:
        assert one.min() >= 0
        assert one.max() < num_sounds
        assert len(np.unique(one)) > 10
    np.testing.assert_array_equal(alone(runner, takes[0]), alone(runner, takes[0], slot=3))


def test_a_checkpoint_is_opened_recorded(
    tiny_checkpoint: Callable[[ModelKind], Path], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", logger="intone"):
        runner, decoder = open_graph_networks(
            tiny_checkpoint("custom"), "cuda", "bf16",
            num_slots=4, num_positions=256, times=StageTimes(),
        )  # fmt: skip
    ready = [line for line in caplog.messages if line.startswith("cuda ready in ")]
    assert len(ready) == 1
    assert not ready[0].endswith(" 0 graphs")
    runner.close()
    decoder.close()
