"""How fast this machine reads memory and multiplies: what every floor is divided by.

Run as a process of its own (`python -m intone.bench.rates THREADS`): its arrays would otherwise
count as memory of the process that starts the contestants. NumPy only; about two seconds.
"""

from __future__ import annotations

import json
import mmap
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

from intone.core.errors import BenchError

if TYPE_CHECKING:
    import numpy as np

_READ_BYTES = 256 << 20
"""Far more than a last-level cache holds."""
_MATRIX_SIZE = 1024
_REPEATS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Best of a few, with one thread and with as many as were measured with."""

    num_threads: int
    read_1_gb_s: float
    """Bytes read, 10**9 per second, from memory in large pages where the system has them."""
    read_all_gb_s: float
    read_small_pages_all_gb_s: float
    """The same in pages of the default size, which is what most programs get."""
    multiply_1_gflop_s: float
    """fp32 matrix products; a multiplication and an addition are two."""
    multiply_all_gflop_s: float

    @property
    def read_gb_s(self) -> float:
        """With all threads, in whichever pages it was faster."""
        return max(self.read_all_gb_s, self.read_small_pages_all_gb_s)

    def best(self, other: Rates) -> Rates:
        """Returns the higher of each: a busy moment must not raise a floor."""
        theirs = asdict(other)
        return Rates(**{name: max(value, theirs[name]) for name, value in asdict(self).items()})

    @classmethod
    def measured(cls, num_threads: int) -> Rates:
        """Measures in a process of its own.

        Raises:
            BenchError: that process failed.
        """
        command = [sys.executable, "-m", "intone.bench.rates", str(num_threads)]
        # One BLAS thread per matrix: the threads are ours, as many as asked for.
        single = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        ended = subprocess.run(command, env=os.environ | single, capture_output=True, text=True)
        if ended.returncode != 0:
            raise BenchError(
                f"the machine's rates could not be measured: {ended.stderr.strip()[-300:]}; "
                "measure without floors (--no-floors)."
            )
        fields: dict[str, Any] = json.loads(ended.stdout)
        return cls(**fields)


def measure_here(num_threads: int) -> Rates:
    """Measures in this process, which needs half a gigabyte for it."""
    large, small = _filled(is_large=True), _filled(is_large=False)
    return Rates(
        num_threads=num_threads,
        read_1_gb_s=_read_gb_s(large, 1),
        read_all_gb_s=_read_gb_s(large, num_threads),
        read_small_pages_all_gb_s=_read_gb_s(small, num_threads),
        multiply_1_gflop_s=_multiply_gflop_s(1),
        multiply_all_gflop_s=_multiply_gflop_s(num_threads),
    )


def _filled(*, is_large: bool) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Returns ones, float32, in large or default pages where the system lets us choose."""
    import numpy as np

    pages = mmap.mmap(-1, _READ_BYTES)
    if sys.platform == "linux":
        pages.madvise(mmap.MADV_HUGEPAGE if is_large else mmap.MADV_NOHUGEPAGE)
    array = np.frombuffer(pages, dtype=np.float32)
    array[:] = 1.0
    return array


def _read_gb_s(array: np.ndarray[Any, np.dtype[np.float32]], num_threads: int) -> float:
    """The dot product of two halves reads each byte once; two runs at once keep memory busier."""
    import numpy as np

    halves = array.reshape(2, -1)
    parts = np.array_split(halves, num_threads, axis=1)
    return array.nbytes / _best_s(lambda part: np.dot(part[0], part[1]), parts) / 1e9


def _multiply_gflop_s(num_threads: int) -> float:
    import numpy as np

    size = _MATRIX_SIZE
    pairs = [np.full((2, size, size), 0.5, dtype=np.float32) for _ in range(num_threads)]
    outs = [np.empty((size, size), dtype=np.float32) for _ in range(num_threads)]

    def multiply(index: int) -> None:
        np.matmul(pairs[index][0], pairs[index][1], out=outs[index])

    return num_threads * 2 * size**3 / _best_s(multiply, range(num_threads)) / 1e9


def _best_s(work: Callable[[Any], object], parts: Sequence[Any]) -> float:
    """Returns the shortest time in which all parts were worked on at once."""
    with ThreadPoolExecutor(len(parts)) as pool:
        list(pool.map(work, parts))  # the threads start, pages are mapped
        times = []
        for _ in range(_REPEATS):
            started = perf_counter()
            list(pool.map(work, parts))
            times.append(perf_counter() - started)
    return min(times)


if __name__ == "__main__":
    print(json.dumps(asdict(measure_here(int(sys.argv[1])))))
