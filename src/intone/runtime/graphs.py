"""Work on fixed tensors that is recorded once and replayed: CUDA graphs, or plain calls elsewhere.

A captured function takes nothing and returns nothing: it reads and writes tensors that stay where
they are. The same function runs as it is on a CPU, so what is captured is tested without a GPU.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

import torch

Work = Callable[[], None]

_WARM_UP_RUNS = 2
"""Libraries choose their kernels and allocate in the first calls, which a graph cannot hold."""

_ONE_AT_A_TIME = threading.Lock()
"""CUDA allows one recording per process at a time; a server may load several models at once."""


@dataclass(frozen=True, slots=True, eq=False)
class Recorded:
    """Recorded work, and the work itself: a graph knows addresses, and keeps nothing alive.

    What the work reads and did not make while it was recorded has to stay where it is for as long
    as it may be replayed.
    """

    replay: Work
    work: Work

    def __call__(self) -> None:
        self.replay()


class GraphPool:
    """Records work into graphs that share one pool of memory, and so run one at a time."""

    def __init__(self, device: torch.device, *, eager: bool = False) -> None:
        """Records nothing yet.

        Args:
            eager: call the work itself on CUDA too, to find faults.
        """
        self._device = device
        self.captures = device.type == "cuda" and not eager
        """Whether work is recorded."""
        self.num_graphs = 0
        self._pool = torch.cuda.graph_pool_handle() if self.captures else None
        # One for each pool: cuBLAS keeps scratch memory per stream, also for what is recorded, and
        # the graphs of two pools may run at the same time, or end at different ones (pytorch
        # issue 193402).
        self._stream = torch.cuda.Stream(device) if self.captures else None

    def capture(self, work: Work) -> Work:
        """Returns what runs `work` from now on; on CUDA it is run a few times here.

        All captures belong before the first request: recording waits for the device.
        """
        if not self.captures:
            return work
        with _ONE_AT_A_TIME:
            recorded = Recorded(self._record(work), work)
        self.num_graphs += 1
        return recorded

    def _record(self, work: Work) -> Work:
        """Returns what replays the work; it keeps alive what was made while it was recorded."""
        stream = self._stream
        assert stream is not None
        stream.wait_stream(torch.cuda.current_stream(self._device))
        with torch.cuda.stream(stream):
            for _ in range(_WARM_UP_RUNS):
                work()
        torch.cuda.current_stream(self._device).wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        # Other threads may use the device meanwhile: another model may be speaking.
        with torch.cuda.graph(
            graph, pool=self._pool, stream=stream, capture_error_mode="thread_local"
        ):
            work()
        return graph.replay
