"""How much the suite measures: on a GPU, on a CPU in its place, and to see that it runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from intone.bench.gpu.open_loop import OpenLoopSize
from intone.bench.gpu.single import SingleSize


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteSize:
    """How much is measured."""

    single: SingleSize
    stream_counts: Sequence[int]
    stream_frames: int
    stream_rounds: int
    open_loop: OpenLoopSize
    peer_takes: int
    step_rounds: int
    """Of timed calls in a row, per part of a frame."""
    host_streams: int
    host_frames: int
    is_quick: bool = False
    """Too few takes: figures are not to be quoted."""


GPU_SIZE = SuiteSize(
    single=SingleSize(num_frames=96, num_takes=5, num_first_chunks=25),
    stream_counts=(1, 4, 16, 64),
    stream_frames=96,
    stream_rounds=3,
    open_loop=OpenLoopSize(rates_hz=(1.0, 6.0, 10.0, 20.0), max_duration_s=15.0),
    peer_takes=5,
    step_rounds=5,
    host_streams=64,
    host_frames=400,
)
CPU_SIZE = SuiteSize(
    single=SingleSize(num_frames=12, num_takes=3, num_first_chunks=5),
    stream_counts=(1, 4, 16, 64),
    stream_frames=12,
    stream_rounds=2,
    open_loop=OpenLoopSize(rates_hz=(1.0, 6.0, 10.0, 20.0), max_duration_s=3.0, num_frames=12),
    peer_takes=3,
    step_rounds=2,
    host_streams=64,
    host_frames=400,
)
"""Of a tiny model, where there is no GPU: the same settings, shorter."""

QUICK_SIZE = SuiteSize(
    single=SingleSize(num_frames=2, num_takes=1, num_first_chunks=1),
    stream_counts=(1, 4),
    stream_frames=2,
    stream_rounds=1,
    open_loop=OpenLoopSize(rates_hz=(1.0, 4.0), max_duration_s=1.0, num_frames=4),
    peer_takes=1,
    step_rounds=1,
    host_streams=4,
    host_frames=20,
    is_quick=True,
)
"""To see that everything runs; its figures are of too few takes to be quoted."""


def size_for(device: str, *, is_quick: bool) -> SuiteSize:
    """Returns how much to measure on a device: cpu, cuda or cuda:N."""
    if is_quick:
        return QUICK_SIZE
    return CPU_SIZE if device == "cpu" else GPU_SIZE
