"""How much of the machine others used while a measurement ran: it is not to be quoted if much.

The load before says nothing of what started in between. Source of the fields: proc_stat(5).
"""

from __future__ import annotations

import os
import resource
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

_STAT = Path("/proc/stat")
_IDLE = slice(3, 5)
"""Idle and waiting for a disk, in the line of all processors."""
_NUM_FIELDS = 8
"""Up to the time that the host gave to other machines; guests are counted in user time already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessorTime:
    """Processor seconds used up to one moment."""

    at_s: float
    machine_s: float
    ours_s: float
    """By this process and its ended children."""

    @classmethod
    def now(cls) -> ProcessorTime | None:
        """Returns the clocks as they stand; None where the system does not say (no /proc)."""
        if not _STAT.exists():
            return None
        usages = [
            resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        ]
        return cls(
            at_s=perf_counter(),
            machine_s=busy_ticks(_STAT.read_text()) / os.sysconf("SC_CLK_TCK"),
            ours_s=sum(usage.ru_utime + usage.ru_stime for usage in usages),
        )

    def others_until(self, later: ProcessorTime) -> float:
        """Returns how many processors others kept busy in between, on average."""
        others_s = (later.machine_s - self.machine_s) - (later.ours_s - self.ours_s)
        return others_s / (later.at_s - self.at_s)


def busy_ticks(stat: str) -> int:
    """Returns the ticks in which any processor was busy, or was taken away by the host."""
    ticks = [int(field) for field in stat.splitlines()[0].split()[1 : 1 + _NUM_FIELDS]]
    return sum(ticks) - sum(ticks[_IDLE])
