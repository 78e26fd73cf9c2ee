"""Memory that was freed in this process, back to the system.

glibc keeps what is freed in the middle of its heap, where quantised weights and arenas lie: without
asking, three quarters of a closed model's gigabyte stayed resident.
"""

from __future__ import annotations

import ctypes
import sys


def return_free_memory() -> None:
    """Asks glibc to give back whole free pages (malloc_trim(3)); elsewhere this does nothing."""
    if sys.platform != "linux":
        return
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except AttributeError:  # another C library
        return
    trim(0)
