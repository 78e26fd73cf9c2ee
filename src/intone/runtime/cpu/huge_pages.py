"""Asks Linux to hold weights that were just loaded in 2 MB pages instead of 4 KB ones.

A frame reads every weight once or many times, far apart: with small pages the core waits as much
for addresses as for data. In a virtual machine, whose addresses are looked up twice, 2 MB pages
made one thread read 1.7 times as fast. Elsewhere, and on kernels before 6.1, this does nothing.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

_MAPS = Path("/proc/self/maps")
_HUGE_BYTES = 2 << 20
_MADV_COLLAPSE = 25
"""Linux 6.1: replace the small pages of a range by huge ones now. See madvise(2)."""

Range = tuple[int, int]


def private_ranges() -> frozenset[Range]:
    """Returns the anonymous writable ranges of this process's memory; empty where unknown."""
    if sys.platform != "linux" or not _MAPS.exists():
        return frozenset()
    return frozenset(_anonymous(_MAPS.read_text()))


def _anonymous(maps: str) -> Iterator[Range]:
    for line in maps.splitlines():
        fields = line.split()
        if fields[1] == "rw-p" and (len(fields) == 5 or fields[5] == "[heap]"):
            start, _, end = fields[0].partition("-")
            yield int(start, 16), int(end, 16)


def collapse_later(before: frozenset[Range]) -> None:
    """Collapses what was allocated since `before`, on a thread of its own: it may take a second.

    What is freed meanwhile is passed over; memory that the process has shared, caches of takes
    among it, is left in small pages, which cost no more than is written.
    """
    grown = list(_grown(before, private_ranges())) if before else []
    if grown:
        Thread(target=_collapse, args=(grown,), name="intone-huge-pages", daemon=True).start()


def _collapse(ranges: list[Range]) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    for start, end in ranges:
        # One page at a time: a range that fails midway would hide what comes after it.
        first = -(-start // _HUGE_BYTES) * _HUGE_BYTES
        for at in range(first, end - _HUGE_BYTES + 1, _HUGE_BYTES):
            libc.madvise(at, _HUGE_BYTES, _MADV_COLLAPSE)


def _grown(before: frozenset[Range], after: frozenset[Range]) -> Iterator[Range]:
    """Yields the parts of `after` that `before` did not cover."""
    known = sorted(before)
    for start, end in sorted(after):
        for known_start, known_end in known:
            if known_end <= start or known_start >= end:
                continue
            if known_start > start:
                yield start, known_start
            start = max(start, known_end)
        if start < end:
            yield start, end
