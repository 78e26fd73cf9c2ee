"""What a process holds in memory, in MB (10**6 bytes), as the kernel counts it.

`getrusage` is not used for a process's own peak: a child inherits its parent's through fork and
exec, so a small process started by a large one would look large. VmHWM is the process's own.
Source of the names: proc_pid_status(5).
"""

from __future__ import annotations

import resource
import sys
from dataclasses import dataclass
from pathlib import Path

_STATUS = Path("/proc/self/status")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessMemory:
    """Resident memory at one moment; None where the system does not say (no /proc)."""

    rss_mb: float | None
    """All resident pages."""
    anonymous_mb: float | None
    """Of these, pages that only this process can give back."""
    file_mb: float | None
    """Of these, pages of mapped files, which the system may evict and read again."""
    peak_mb: float
    """The most that was resident since the process started."""

    @classmethod
    def here(cls) -> ProcessMemory:
        """Returns this process's memory, now."""
        if _STATUS.exists():
            return cls.parse(_STATUS.read_text())
        peak_mb = peak_mb_of(resource.getrusage(resource.RUSAGE_SELF))
        return cls(rss_mb=None, anonymous_mb=None, file_mb=None, peak_mb=peak_mb)

    @classmethod
    def of(cls, pid: int) -> ProcessMemory | None:
        """Returns the memory of another process; None where it or /proc is not there."""
        try:
            return cls.parse(Path(f"/proc/{pid}/status").read_text())
        except (OSError, KeyError):  # ended, or ended but not yet waited for
            return None

    @classmethod
    def parse(cls, status: str) -> ProcessMemory:
        """Reads the text of a /proc/PID/status; raises KeyError for that of a dead process."""
        fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)

        def megabytes(name: str) -> float:
            return int(fields[name].split()[0]) * 1024 / 1e6

        return cls(
            rss_mb=megabytes("VmRSS"),
            anonymous_mb=megabytes("RssAnon"),
            file_mb=megabytes("RssFile"),
            peak_mb=megabytes("VmHWM"),
        )


def children_peak_mb() -> float:
    """Returns the largest peak among ended child processes; 0 where there were none."""
    return peak_mb_of(resource.getrusage(resource.RUSAGE_CHILDREN))


def peak_mb_of(usage: resource.struct_rusage) -> float:
    """Returns the peak in a kernel's account of a process; its unit depends on the system."""
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6
