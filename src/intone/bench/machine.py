"""The machine a figure was taken on; figures without it mean nothing."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Processor, memory and system, and how busy it was."""

    cpu: str
    num_cpus: int
    """That this process may use."""
    memory_gb: float | None
    system: str
    python: str
    load_average: float | None
    """One-minute load before the measurement; figures of a busy machine are not to be quoted."""

    @classmethod
    def here(cls) -> Machine:
        """Returns this machine, now."""
        return cls(
            cpu=_cpu_name(),
            num_cpus=_num_cpus(),
            memory_gb=_memory_gb(),
            system=f"{platform.system()} {platform.release()}",
            python=platform.python_version(),
            load_average=round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        )

    def __str__(self) -> str:
        memory = f", {self.memory_gb:.0f} GB" if self.memory_gb is not None else ""
        return f"{self.cpu}, {self.num_cpus} CPUs{memory}, {self.system}, Python {self.python}"


def _cpu_name() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _num_cpus() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory_gb() -> float | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    except (AttributeError, ValueError, OSError):
        return None
