"""The draw that is one Triton kernel: interpreted, and built for devices that are not here."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from intone.runtime.frame import sampling

pytest.importorskip("triton", reason="the kernel needs Triton")

ROOT = Path(__file__).parents[3]


def complaints(length: str) -> dict[str, str]:
    """Returns what the interpreter's process found, by case; "" where all is well."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.runtime.frame.draw_worker", length],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("length", ["quick", pytest.param("long", marks=pytest.mark.slow)])
def test_the_interpreted_kernel_draws_the_ids_of_the_plain_draw(length: str) -> None:
    """Settings of all kinds side by side; each row also alone."""
    found = complaints(length)
    assert found
    assert {name: complaint for name, complaint in found.items() if complaint} == {}


@pytest.mark.parametrize(
    ("capability", "num_ids"), [(90, 2048), pytest.param(80, 3072, marks=pytest.mark.slow)]
)
def test_the_kernel_builds_for_devices_that_are_not_here(
    capability: int, num_ids: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from triton import compile as build
    from triton import next_power_of_2
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    from intone.runtime.frame.draw_kernel import _draw_row

    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    types = {name: "*fp32" if name.endswith("_ptr") else "i32" for name in _draw_row.arg_names}
    types |= {"logits_ptr": "*bf16", "uniforms_ptr": "*fp64", "greedy_ptr": "*u8"}
    types |= {"place_ptr": "*i64", "out_ptr": "*i64", "BLOCK": "constexpr", "SHARES": "constexpr"}
    constants = {"BLOCK": next_power_of_2(num_ids), "SHARES": 2**40}
    source = ASTSource(fn=_draw_row, signature=types, constexprs=constants)
    options = {"num_warps": 8, "enable_fp_fusion": True}
    assert build(source, target=GPUTarget("cuda", capability, 32), options=options).asm["cubin"]


def test_a_cpu_draws_without_triton() -> None:
    assert sampling.fastest_draw(torch.device("cpu"), 3072) is sampling.draw


def test_a_device_without_triton_says_so_in_one_line(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "intone.runtime.frame.draw_kernel", None)
    monkeypatch.delattr("intone.runtime.frame.draw_kernel", raising=False)
    with caplog.at_level(logging.WARNING, logger="intone"):
        assert sampling.fastest_draw(torch.device("cuda"), 3072) is sampling.draw
    (line,) = caplog.messages
    assert line.startswith("draws without Triton (")
    assert line.endswith("): slower, same speech")
