"""Sizes of memory and files as people write and read them."""

from __future__ import annotations

import re

from intone.core.errors import InvalidSettingError

_UNITS = {
    "B": 1,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "KIB": 2**10,
    "MIB": 2**20,
    "GIB": 2**30,
}
_WRITTEN = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*")


def parse_bytes(size: int | str) -> int:
    """Returns a size in bytes: a number of bytes, or words as "2GB" (10**9) or "1.5 GiB" (2**30).

    Raises:
        InvalidSettingError: no such unit, or not above zero.
    """
    match = _WRITTEN.fullmatch(str(size))
    unit = _UNITS.get((match[2] or "B").upper()) if match else None
    num_bytes = int(float(match[1]) * unit) if match and unit else 0
    if num_bytes < 1:
        raise InvalidSettingError(
            f"a size is {size!r}; allowed: bytes, or a number with KB, MB, GB, KiB, MiB or GiB, "
            "for example 2GB."
        )
    return num_bytes


def format_bytes(num_bytes: float) -> str:
    """Returns "7 bytes", "12.3 MB", "123 MB" or "1.23 GB"."""
    if num_bytes < 1_000:
        return f"{num_bytes:.0f} bytes"
    if num_bytes < 100_000_000:
        return f"{num_bytes / 1e6:.1f} MB"
    if num_bytes < 1_000_000_000:
        return f"{num_bytes / 1e6:.0f} MB"
    return f"{num_bytes / 1e9:.2f} GB"
