"""The Triton kernel: interpreted, built for devices that are not here, run on one that is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tests.runtime.paged.scenes import CHECKS, LONG_CASES, QUICK_CASES, Case

from intone.runtime.paged.cache import PagedCache
from intone.runtime.paged.decoding import RowAttention, row_attention

pytest.importorskip("triton", reason="the kernel needs Triton")

ROOT = Path(__file__).parents[3]
ALL_CASES = [*QUICK_CASES, *LONG_CASES]


def _complaints(length: str) -> dict[str, str]:
    """Returns what the interpreter's process found, by case and check; "" where all is well."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.runtime.paged.kernel_worker", length],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def complaints() -> dict[str, str]:
    return _complaints("quick")


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("case", QUICK_CASES, ids=[case.name for case in QUICK_CASES])
def test_the_interpreted_kernel_attends_over_pages(
    complaints: dict[str, str], case: Case, check: str
) -> None:
    assert complaints[f"{case.name}/{check}"] == ""


@pytest.mark.slow
def test_the_interpreted_kernel_attends_over_many_and_long_rows() -> None:
    found = _complaints("long")
    assert len(found) == len(LONG_CASES) * len(CHECKS)
    assert {name: complaint for name, complaint in found.items() if complaint} == {}


POINTERS = {
    "tables_ptr": "*i32",
    "positions_ptr": "*i64",
    "partial_ptr": "*fp32",
    "stats_ptr": "*fp32",
    "scale": "fp32",
}
SIZES = {"HEADS": 16, "KV_HEADS": 8, "GROUP": 2, "HEAD_DIM": 128, "PAGE_POSITIONS": 64}
"""Those of the released models."""


@pytest.mark.parametrize(
    ("capability", "ones"), [(80, {}), (90, {}), (90, {"lanes": 1, "num_splits": 1})]
)
def test_the_kernel_builds_for_devices_that_are_not_here(
    capability: int, ones: dict[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from triton import compile as build
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    from intone.runtime.paged import kernel

    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    options = {"num_warps": 8, "enable_fp_fusion": True}
    # Triton builds a kernel of its own where a number is 1.
    sizes = {**SIZES, **ones, "SPLIT": kernel.SPLIT_POSITIONS, "JOINED": 16}
    for function in (kernel._attend_split, kernel._join_splits):
        constants = {name: sizes[name] for name in function.arg_names if name in sizes}
        types = {
            name: "constexpr"
            if name in constants
            else POINTERS.get(name, "*bf16" if name.endswith("_ptr") else "i32")
            for name in function.arg_names
        }
        source = ASTSource(fn=function, signature=types, constexprs=constants)
        built = build(source, target=GPUTarget("cuda", capability, 32), options=options)
        assert built.asm["cubin"]


def _on_this_device(cache: PagedCache, heads: int, rows: int, pages: int) -> RowAttention:
    from intone.runtime.paged.kernel import KernelRows

    chosen = row_attention(cache, num_heads=heads, max_rows=rows, max_pages=pages)
    assert isinstance(chosen, KernelRows)
    return chosen


@pytest.mark.gpu
@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("case", ALL_CASES, ids=[case.name for case in ALL_CASES])
def test_the_kernel_attends_over_pages_on_a_device(case: Case, check: str) -> None:
    CHECKS[check](_on_this_device, case, torch.device("cuda"))
