"""The runner whose frame is one recorded piece of work, whatever the number of takes.

For each of a few batch sizes there is a graph that makes one frame of every row; a launch fills one
pinned buffer, copies it up, starts the graph and a copy of its codes, and waits for nothing. Codes
are read when they are asked for, on CUDA best one launch later. On a CPU the same code runs the
same work as plain calls.

Everything is asked of the device in one order, so a slot and its pages may be given away while
frames that use them are under way: who comes next, comes after them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter

import numpy as np
import torch

from intone.core.errors import CapacityError
from intone.core.types import Codes
from intone.models.code_predictor import CodePredictor
from intone.models.talker import Talker
from intone.runtime.frame.blocks import BlockHalves
from intone.runtime.frame.networks import FrameNetworks
from intone.runtime.frame.prefill import (
    PADDED_ROWS,
    PromptInputs,
    PromptStep,
    Size,
    batches,
    padded_rows,
    recorded_sizes,
)
from intone.runtime.frame.prompt_rows import fill_prompts
from intone.runtime.frame.staging import Download, Fetched
from intone.runtime.frame.step import FrameInputs, FrameStep
from intone.runtime.frame.tables import FoldedTables
from intone.runtime.frame.takes import RunningTakes
from intone.runtime.graphs import GraphPool, Work
from intone.runtime.job import FrameBatch, PageLayout, SlotStart
from intone.runtime.stage_times import StageTimes

BATCH_SIZES = (1, 2, 4, 8, 16, 24, 32, 48, 64)
"""Rows that a recorded frame may have. Between them a batch is padded: a frame's time hardly grows
with its rows until there are dozens."""


@dataclass(frozen=True, slots=True)
class _RecordedFrame:
    """One batch size."""

    inputs: FrameInputs
    run: Work
    codes: Download


@dataclass(frozen=True, slots=True)
class _RecordedPrompts:
    """One size of a prefill."""

    inputs: PromptInputs
    run: Work


class GraphRunner:
    """Implements the engine's `Runner`; made by one thread, then used by one."""

    def __init__(
        self,
        talker: Talker,
        predictor: CodePredictor,
        *,
        num_slots: int,
        layout: PageLayout,
        num_positions: int,
        graphs: GraphPool,
        times: StageTimes | None = None,
        tables: FoldedTables | None = None,
        lag_frames: int | None = None,
        fuse: bool = True,
    ) -> None:
        """Allocates every cache and records every frame and the common prompts.

        Args:
            layout: the memory for all takes; its pages are handed out by the caller.
            num_positions: rows of prompt and frames that one take may have.
            graphs: for this runner alone.
            times: where the stages are counted; None counts for this runner alone.
            tables: of these networks; None folds them here.
            lag_frames: None is 1 on CUDA, and 0 where a launch is the work.
            fuse: whether to try torch.compile, which only CUDA is asked for.
        """
        device = talker.codec_head.weight.device
        self._device = device
        self.num_slots = num_slots
        self.pages = layout
        default_lag = 1 if device.type == "cuda" else 0
        self.lag_frames = default_lag if lag_frames is None else lag_frames
        self.times = StageTimes() if times is None else times
        self._depth = self.lag_frames + 2
        self._end_id = talker.config.codec_eos_id
        sizes = batch_sizes(num_slots)
        with self._working():
            self._networks = FrameNetworks.of(
                talker,
                predictor,
                FoldedTables(talker, predictor) if tables is None else tables,
                BlockHalves(device, fuse=fuse),
                num_slots=num_slots,
                max_rows=sizes[-1],
                layout=layout,
                num_positions=num_positions,
                prompt_positions=max(PADDED_ROWS[-1], padded_rows(num_positions)),
            )
            self._takes = RunningTakes(
                num_slots,
                self._networks.table_width,
                talker.config.num_codebooks,
                self._networks.cache.scratch_page,
            )
            # The largest first: what they free, the smaller ones fit into.
            self._frames = {size: self._record_frame(size, graphs) for size in reversed(sizes)}
            prompts = reversed(recorded_sizes(num_positions, num_slots))
            self._prompts = {size: self._record_prompts(size, graphs) for size in prompts}
        self._in_flight: deque[tuple[int, Fetched]] = deque()
        """Number of rows, and their codes, of launches that were not collected."""

    @contextmanager
    def _working(self) -> Iterator[None]:
        """Everything is asked of the runner's device, whichever this thread had chosen."""
        with torch.inference_mode():
            if self._device.type == "cuda":
                with torch.cuda.device(self._device):
                    yield
            else:
                yield

    def _record_frame(self, size: int, graphs: GraphPool) -> _RecordedFrame:
        inputs = FrameInputs(self._networks, size, self._depth)
        step = FrameStep(self._networks, inputs)
        return _RecordedFrame(inputs, graphs.capture(step), Download(step.codes, self._depth))

    def _record_prompts(self, size: Size, graphs: GraphPool) -> _RecordedPrompts:
        inputs = PromptInputs(self._networks, size, self._depth)
        return _RecordedPrompts(inputs, graphs.capture(PromptStep(self._networks, inputs)))

    def begin(self, starts: Sequence[SlotStart]) -> None:
        """Prefills free slots in padded batches; a take that lost its slot goes on where it was.

        Raises:
            CapacityError: the device has too little memory left to read prompts of this length.
        """
        started = perf_counter()
        for start in starts:
            self._takes.begin(start)
        with self._working():
            for size, batch in batches(starts):
                try:
                    self._prefill(size, batch)
                except torch.OutOfMemoryError as error:  # what is not recorded needs more
                    raise _too_long(size[1], self._device) from error
        self.times.prefill_s += perf_counter() - started

    def _prefill(self, size: Size, batch: Sequence[SlotStart]) -> None:
        prompts = self._prompts.get(size)
        if prompts is None:  # long, or rarely so many: as it is, on tensors of its own
            inputs = PromptInputs(self._networks, size, depth=1)
            prompts = _RecordedPrompts(inputs, PromptStep(self._networks, inputs))
        fill_prompts(
            prompts.inputs.arrays(),
            batch,
            [self._takes.table(start.slot) for start in batch],
            scratch_slot=self._networks.state.scratch_slot,
            scratch_page=self._networks.cache.scratch_page,
        )
        prompts.inputs.send()
        prompts.run()

    def grow(self, slot: int, pages: Sequence[int]) -> None:
        """Gives a running slot more pages, after those it has."""
        self._takes.grow(slot, pages)

    def launch(self, slots: Sequence[int]) -> None:
        """Starts one frame for each slot."""
        assert len(self._in_flight) <= self.lag_frames, "collect what was launched before"
        started = perf_counter()
        frame = self._frames[self._size_for(len(slots))]
        self._takes.next_frames(slots, frame.inputs.arrays())
        with self._working():
            frame.inputs.send()
            frame.run()
            self._in_flight.append((len(slots), frame.codes.fetch()))
        self.times.talker_s += perf_counter() - started

    def _size_for(self, num_rows: int) -> int:
        return min(size for size in self._frames if size >= num_rows)

    def collect(self) -> FrameBatch:
        """Returns the frames of the oldest launch; waits for the device if it is not there yet."""
        started = perf_counter()
        num_rows, fetched = self._in_flight.popleft()
        codes: Codes = np.array(fetched.array()[:num_rows], dtype=np.int64)
        self.times.talker_s += perf_counter() - started
        return FrameBatch(codes=codes, ended=codes[:, 0] == self._end_id)

    def release(self, slot: int) -> None:
        """Frees a slot and its pages; unknown slots are free already."""
        self._takes.release(slot)

    def close(self) -> None:
        """Waits for what is under way and drops recorded work; the caches go with the runner."""
        try:
            while self._in_flight:
                self.collect()
        finally:
            self._frames.clear()
            self._prompts.clear()


def _too_long(num_rows: int, device: torch.device) -> CapacityError:
    return CapacityError(
        f"{device} has too little memory left to read prompts of up to {num_rows} rows; shorten "
        "the text or its reference, or open the model with fewer slots or positions."
    )


def batch_sizes(num_slots: int) -> list[int]:
    """Returns the sizes that up to `num_slots` takes need, ascending."""
    if num_slots > BATCH_SIZES[-1]:
        return [*BATCH_SIZES, num_slots]
    return [size for i, size in enumerate(BATCH_SIZES) if i == 0 or BATCH_SIZES[i - 1] < num_slots]
