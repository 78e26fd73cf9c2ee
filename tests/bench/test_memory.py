"""A process's memory, as the kernel writes it."""

from __future__ import annotations

import os

import pytest

from intone.bench.memory import ProcessMemory

STATUS = """Name:\tpython
VmHWM:\t  300000 kB
VmRSS:\t  200000 kB
RssAnon:\t  150000 kB
RssFile:\t   50000 kB
"""


def test_resident_pages_are_split_into_owned_and_mapped() -> None:
    memory = ProcessMemory.parse(STATUS)
    assert memory.peak_mb == pytest.approx(307.2)
    assert memory.rss_mb == pytest.approx(204.8)
    assert memory.anonymous_mb == pytest.approx(153.6)
    assert memory.file_mb == pytest.approx(51.2)


def test_a_process_that_is_gone_has_no_memory() -> None:
    assert ProcessMemory.of(2**30) is None


def test_this_process_has_a_peak() -> None:
    assert ProcessMemory.here().peak_mb > 1
    if os.path.exists("/proc/self/status"):
        assert ProcessMemory.of(os.getpid()) is not None
