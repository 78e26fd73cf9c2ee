"""Runs the kernel's checks by Triton's interpreter and prints {case/check: complaint} as JSON.

`python -m tests.runtime.paged.kernel_worker quick` or `long` chooses the cases.

A process of its own: Triton decides for the interpreter when it is first imported.
"""

from __future__ import annotations

import json
import os
import sys

os.environ["TRITON_INTERPRET"] = "1"

import torch
from tests.runtime.paged.scenes import CHECKS, LONG_CASES, QUICK_CASES, Case

from intone.runtime.paged.cache import PagedCache
from intone.runtime.paged.kernel import KernelRows


def main(length: str) -> None:
    torch.set_num_threads(1)
    cases = {"quick": QUICK_CASES, "long": LONG_CASES}[length]
    complaints = {
        f"{case.name}/{check}": _complaint(case, check) for case in cases for check in CHECKS
    }
    print(json.dumps(complaints))


def _kernel(cache: PagedCache, heads: int, rows: int, pages: int) -> KernelRows:
    """So few programs that each takes several splits of a long row, fewer when it is alone."""
    return KernelRows(cache, num_heads=heads, max_rows=rows, max_pages=pages, num_programs=6)


def _complaint(case: Case, check: str) -> str:
    try:
        CHECKS[check](_kernel, case, torch.device("cpu"))
    except AssertionError as error:
        return str(error) or "not equal"
    return ""


if __name__ == "__main__":
    main(sys.argv[1])
