"""Tiny checkpoints of all kinds, what upstream computes on them, and our networks on them.

Upstream's side comes from tests/golden/ in the default suite and, marked `oracle`, from a live run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from tests.oracle.cases import jobs_of
from tests.oracle.make_goldens import compact, golden_path
from tests.oracle.ours import Ours
from tests.oracle.peer import ENVIRONMENT_VARIABLE, Results, oracle_python, run_upstream

from intone.core.types import ModelKind

TinyCheckpoint = Callable[[ModelKind], Path]
Upstream = Callable[[ModelKind], Results]


@pytest.fixture(scope="session")
def ours_of(tiny_checkpoint: TinyCheckpoint) -> Callable[[ModelKind], Ours]:
    return cache(lambda kind: Ours(tiny_checkpoint(kind)))


@pytest.fixture(scope="session", params=["golden", pytest.param("live", marks=pytest.mark.oracle)])
def upstream_of(request: pytest.FixtureRequest, tiny_checkpoint: TinyCheckpoint) -> Upstream:
    if request.param == "golden":
        return cache(lambda kind: load_file(golden_path(kind)))
    python = oracle_python()
    if python is None:
        pytest.skip(f"{ENVIRONMENT_VARIABLE} names no Python with qwen-tts; see `make oracle`")
    return cache(lambda kind: compact(run_upstream(python, tiny_checkpoint(kind), jobs_of(kind))))


@dataclass(frozen=True)
class Case:
    """Upstream's results of one case, by quantity."""

    name: str
    results: Results

    def __getitem__(self, quantity: str) -> np.ndarray:
        return self.results[f"{self.name}/{quantity}"]
