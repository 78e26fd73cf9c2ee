"""Weights sharded over processes (torch's fully_shard) compute the same through the one module."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from intone.core.types import ModelKind

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_sharded_weights_give_the_same_gradients(
    tiny_checkpoint: Callable[[ModelKind], Path],
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    shared = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    command = [sys.executable, "-m", "tests.train.sharded_worker", str(tiny_checkpoint("base"))]
    running = [
        subprocess.Popen(command, env={**os.environ, **shared, "RANK": str(r)}, cwd=ROOT)
        for r in (0, 1)
    ]
    assert [process.wait(timeout=150) for process in running] == [0, 0]
