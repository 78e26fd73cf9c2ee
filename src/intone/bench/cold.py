"""Intone's very first start on a machine: nothing that it builds once is there yet.

The user's cache is left alone: the measured process is given an empty one, which is removed
afterwards. The checkpoint's files may be in the system's page cache; only their first read from a
disk is not measured.
"""

from __future__ import annotations

from tempfile import TemporaryDirectory

from intone.bench.contestant import Contestant
from intone.bench.figures import Figures
from intone.bench.job import BenchJob


def measure_cold(job: BenchJob) -> Figures:
    """Returns the figures of one take by a new process with an empty cache.

    Raises:
        BenchError: the process failed.
    """
    from intone.runtime.cpu.store import CACHE_VARIABLE  # brings onnx

    with TemporaryDirectory(prefix="intone-bench-cache-") as cache:
        with Contestant.intone(job, {CACHE_VARIABLE: cache}) as contestant:
            contestant.take()
            return contestant.figures()
