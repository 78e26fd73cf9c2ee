"""What this processor can do that speaking is quicker with, as the kernel lists it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")

_MEANINGS: Mapping[str, str] = {
    # x86
    "avx2": "AVX2",
    "avx_vnni": "AVX-VNNI",
    "avx512f": "AVX-512",
    "avx512_vnni": "AVX-512 VNNI",
    "avx512_bf16": "AVX-512 BF16",
    "amx_int8": "AMX int8",
    "amx_bf16": "AMX BF16",
    # Arm
    "asimd": "NEON",
    "asimddp": "dot product",
    "i8mm": "I8MM",
    "bf16": "BF16",
    "sve": "SVE",
}
_INT8_FLAGS = ("avx2", "avx_vnni", "avx512f", "asimddp", "i8mm")
"""With none of these, products of 8 bit numbers are slow."""


@dataclass(frozen=True, slots=True)
class CpuFeatures:
    """One processor."""

    name: str
    """Empty where the kernel does not say."""
    flags: tuple[str, ...] | None
    """Those of its flags that matter here, by the kernel's names; None where it lists none."""

    @classmethod
    def parse(cls, cpuinfo: str) -> CpuFeatures:
        """Reads the text of /proc/cpuinfo, of the first core."""
        fields: dict[str, str] = {}
        for line in cpuinfo.splitlines():
            name, _, value = line.partition(":")
            fields.setdefault(name.strip().lower(), value.strip())
        listed = (fields.get("flags") or fields.get("features") or "").split()
        flags = tuple(flag for flag in _MEANINGS if flag in listed)
        return cls(fields.get("model name", ""), flags if listed else None)

    @classmethod
    def here(cls) -> CpuFeatures:
        """Returns this machine's."""
        return cls.parse(CPUINFO.read_text() if CPUINFO.exists() else "")

    @property
    def is_quick_in_int8(self) -> bool | None:
        """Whether 8 bit products have instructions of their own; None where it is not known."""
        return None if self.flags is None else any(flag in _INT8_FLAGS for flag in self.flags)

    def __str__(self) -> str:
        if self.flags is None:
            return "not known"
        return ", ".join(_MEANINGS[flag] for flag in self.flags) or "none that help"
