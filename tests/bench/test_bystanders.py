"""What others used of the machine meanwhile."""

from __future__ import annotations

import pytest

from intone.bench.bystanders import ProcessorTime, busy_ticks

STAT = """cpu  100 20 30 4000 500 6 7 8 90 10
cpu0 50 10 15 2000 250 3 3 4 45 5
"""


def test_idle_and_disk_time_are_not_busy_and_guests_are_not_counted_twice() -> None:
    assert busy_ticks(STAT) == 100 + 20 + 30 + 6 + 7 + 8


def test_others_are_what_the_machine_used_beyond_us() -> None:
    before = ProcessorTime(at_s=10.0, machine_s=100.0, ours_s=5.0)
    after = ProcessorTime(at_s=20.0, machine_s=118.0, ours_s=15.0)
    assert before.others_until(after) == pytest.approx(0.8)
