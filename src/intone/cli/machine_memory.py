"""Memory of this machine and this process, as Linux tells it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_MEMINFO = Path("/proc/meminfo")
_STATUS = Path("/proc/self/status")


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineMemory:
    """In bytes; None where the system does not say (no /proc)."""

    process_bytes: int | None
    """Resident."""
    available_bytes: int | None
    total_bytes: int | None

    @classmethod
    def here(cls) -> MachineMemory:
        """Returns them, now."""
        machine, process = _kilobytes(_MEMINFO), _kilobytes(_STATUS)
        return cls(
            process_bytes=process.get("VmRSS"),
            available_bytes=machine.get("MemAvailable"),
            total_bytes=machine.get("MemTotal"),
        )


def _kilobytes(path: Path) -> dict[str, int]:
    """Returns the lines of a file that are amounts of memory, by name, in bytes."""
    if not path.exists():
        return {}
    rows = (line.split() for line in path.read_text().splitlines())
    return {row[0].rstrip(":"): int(row[1]) * 1024 for row in rows if row[2:] == ["kB"]}
