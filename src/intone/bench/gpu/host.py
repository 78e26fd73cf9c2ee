"""What the host does for a frame of many streams, with a device that does nothing.

The decode loop, the scheduler and the graph runner are the real ones, over a tiny checkpoint; what
would be recorded is not run, so a turn is what the host must do before the next frame can start.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, thread_time

import numpy as np
import torch

from intone.bench.gpu.timing import percentile
from intone.bench.job import DEFAULT_TEXT
from intone.core.constants import CHUNK_RAMP_FRAMES, SAMPLES_PER_FRAME
from intone.core.types import Codes, Samples
from intone.engine.codec_thread import CodecInTurn
from intone.engine.loop import DecodeLoop
from intone.engine.runner import Runner
from intone.engine.take import Take
from intone.models.checkpoint import Checkpoint, Placement
from intone.models.description import ModelDescription
from intone.models.random_checkpoint import write_random_checkpoint
from intone.prompt.builder import PromptBuilder
from intone.prompt.spec import PromptSpec
from intone.prompt.tokenizer import TextTokenizer
from intone.runtime.graph_runner import GraphRunner
from intone.runtime.graphs import GraphPool, Work
from intone.runtime.job import FrameBatch, PageLayout, SlotJob, SlotStart

_PAGE_POSITIONS = 64
_NUM_POSITIONS = 4096
_PAGES_PER_SLOT = 16
_WARM_UP_TURNS = 8
"""The first prefills, allocates and fills caches of the processor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostCost:
    """Milliseconds of a turn of the decode loop, which makes one frame of every stream.

    Of this thread's processor time: nothing here waits, and other programs are not counted.
    """

    num_streams: int
    num_frames: int
    """Turns that were measured."""
    p50_ms: float
    p95_ms: float
    launch_p50_ms: float
    """Of these, until the device has its work."""
    collect_p50_ms: float
    """Of these, from codes that are there to codes in hand."""
    wall_p95_ms: float
    """With whatever else the machine did meanwhile."""


class NoDevice(GraphPool):
    """Records nothing and runs nothing."""

    def __init__(self) -> None:
        super().__init__(torch.device("cpu"))

    def capture(self, work: Work) -> Work:
        """Returns what does nothing in place of the work."""
        return lambda: None


def measure_host(num_streams: int, num_frames: int) -> HostCost:
    """Returns the cost of turns with all streams running, audio made between them and not timed."""
    with TemporaryDirectory(prefix="intone-bench-") as root:
        model = write_random_checkpoint(Path(root) / "tiny", kind="custom", size="tiny")
        runner = _Stopwatch(_runner(model, num_streams))
        codec = CodecInTurn(_SilentDecoder())
        loop = DecodeLoop(runner, codec.queue)
        for take in _takes(model, num_streams, _WARM_UP_TURNS + num_frames + 1):
            loop.scheduler.add(take)
    turns, walls = [], []
    for _ in range(_WARM_UP_TURNS + num_frames):
        wall, started = perf_counter(), thread_time()
        loop.turn()
        turns.append((thread_time() - started) * 1000)
        walls.append((perf_counter() - wall) * 1000)
        codec.catch_up()
    return HostCost(
        num_streams=num_streams,
        num_frames=num_frames,
        p50_ms=percentile(turns[_WARM_UP_TURNS:], 50),
        p95_ms=percentile(turns[_WARM_UP_TURNS:], 95),
        launch_p50_ms=percentile(runner.launches_ms[_WARM_UP_TURNS:], 50),
        collect_p50_ms=percentile(runner.collects_ms[_WARM_UP_TURNS:], 50),
        wall_p95_ms=percentile(walls[_WARM_UP_TURNS:], 95),
    )


def _runner(model: Path, num_slots: int) -> Runner:
    checkpoint, place = Checkpoint(model), Placement(torch.device("cpu"), torch.float32)
    return GraphRunner(
        checkpoint.load_talker(place),
        checkpoint.load_code_predictor(place),
        num_slots=num_slots,
        # Less than every take may fill, as on a device: takes get their pages as they grow.
        layout=PageLayout(num_slots * _PAGES_PER_SLOT, _PAGE_POSITIONS),
        num_positions=_NUM_POSITIONS,
        graphs=NoDevice(),
        lag_frames=1,  # as on CUDA
        fuse=False,
    )


def _takes(model: Path, num_takes: int, num_frames: int) -> list[Take]:
    description = ModelDescription.read(model)
    builder = PromptBuilder(description.config, TextTokenizer.from_dir(model))
    speaker = description.config.speakers[0]
    prompt = builder.build(PromptSpec(text=DEFAULT_TEXT, speaker=speaker))
    return [
        Take(
            job=SlotJob(
                prompt=prompt,
                sampling=description.defaults.sampling,
                predictor_sampling=description.defaults.predictor_sampling,
                seed=seed,
            ),
            max_frames=num_frames,
            ramp=CHUNK_RAMP_FRAMES,
            emit=lambda item: None,
        )
        for seed in range(num_takes)
    ]


@dataclass(slots=True)
class _Stopwatch:
    """Stands between loop and runner and times two calls."""

    runner: Runner
    launches_ms: list[float] = field(default_factory=list)
    collects_ms: list[float] = field(default_factory=list)

    @property
    def num_slots(self) -> int:
        return self.runner.num_slots

    @property
    def pages(self) -> PageLayout:
        return self.runner.pages

    @property
    def lag_frames(self) -> int:
        return self.runner.lag_frames

    def begin(self, starts: Sequence[SlotStart]) -> None:
        self.runner.begin(starts)

    def grow(self, slot: int, pages: Sequence[int]) -> None:
        self.runner.grow(slot, pages)

    def launch(self, slots: Sequence[int]) -> None:
        started = thread_time()
        self.runner.launch(slots)
        self.launches_ms.append((thread_time() - started) * 1000)

    def collect(self) -> FrameBatch:
        started = thread_time()
        batch = self.runner.collect()
        self.collects_ms.append((thread_time() - started) * 1000)
        return batch

    def release(self, slot: int) -> None:
        self.runner.release(slot)

    def close(self) -> None:
        self.runner.close()


@dataclass(slots=True, eq=False)
class _SilentStream:
    num_frames: int = 0


class _SilentDecoder:
    """Makes silence of any frames."""

    max_call_frames = 256
    max_joined_frames = 16

    def open(self, ref_codes: Codes | None) -> _SilentStream:
        return _SilentStream()

    def decode(self, streams: Sequence[_SilentStream], codes: Sequence[Codes]) -> list[Samples]:
        for stream, frames in zip(streams, codes, strict=True):
            stream.num_frames += len(frames)
        return [np.zeros(len(each) * SAMPLES_PER_FRAME, dtype=np.float32) for each in codes]

    def release(self, stream: _SilentStream) -> None:
        """Nothing to give back."""

    def close(self) -> None:
        """Nothing to free."""
