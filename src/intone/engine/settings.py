"""How a checkpoint is run, as the caller says it. No torch: reading this loads nothing."""

from __future__ import annotations

import os
from dataclasses import dataclass

from intone.engine.profile import DEFAULT_PROFILE

GRAPH_DTYPES = ("fp32", "int8", "int4")
"""Precisions that run as built graphs on a CPU, and whose memory is known; the largest first."""

DEFAULT_NUM_SLOTS = 8
DEFAULT_NUM_POSITIONS = 4096
"""Rows of prompt and frames per slot: five minutes of audio. Memory is used as it is written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """How a checkpoint is run."""

    device: str = "auto"
    """auto (CUDA where there is one), cpu, cuda, cuda:N."""
    dtype: str = "auto"
    """auto, fp32, bf16, fp16, int8, int4: talker and code predictor."""
    threads: int | None = None
    """Cores to use on a CPU; None takes those that this process may use."""
    num_slots: int | None = None
    """Takes that run at once; more wait. None: 8 on a CPU, or as many as the budget holds; on CUDA
    what the profile says, 8 where nothing is recorded."""
    num_positions: int | None = None
    """Rows of prompt and frames that one take may fill. None: 4,096, or what the budget holds."""
    profile: str = DEFAULT_PROFILE
    """latency, balanced or throughput: what streams are tuned for."""
    eager: bool = False
    """On CUDA: run the networks as they are, without graphs and pages; slow, to find faults."""
    memory_budget_bytes: int | None = None
    """The most that this process may keep resident; None does not ask."""


def available_threads() -> int:
    """Returns how many cores this process may use: its affinity, bounded by a container's quota."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
