"""Memory that was freed in this process, back to the system.

glibc keeps what is freed in the middle of its heap, where quantised weights and arenas lie: without
asking, three quarters of a closed model's gigabyte stayed resident. PyTorch keeps what it had of a
GPU.
"""

from __future__ import annotations

import ctypes
import sys


def return_free_memory() -> None:
    """Gives back a GPU's memory where one was used, and whole free pages of glibc's heap
    (malloc_trim(3)); elsewhere this does nothing."""
    if "torch" in sys.modules:  # else there is none, and importing it takes a second
        import torch

        torch.cuda.empty_cache()  # does nothing where CUDA was not used
    if sys.platform != "linux":
        return
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except AttributeError:  # another C library
        return
    trim(0)
