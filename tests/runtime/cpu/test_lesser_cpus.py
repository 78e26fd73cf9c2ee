"""CPUs with fewer instructions than this one: the same graphs, the same takes.

ONNX Runtime chooses its kernels by what the CPU says it can; nothing but another CPU, or an
emulated one (Debian: `qemu-user`), makes it choose others.
"""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from tests.runtime.cpu.conftest import BuiltOf

from intone.runtime.cpu.built import Precision

ROOT = Path(__file__).parents[3]
EMULATOR = "qemu-x86_64"
CPUS = ("Haswell", "Nehalem")
"""AVX2 without AVX-512 and VNNI; SSE4.2 without AVX."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        platform.machine() != "x86_64" or shutil.which(EMULATOR) is None,
        reason=f"needs {EMULATOR} on x86-64",
    ),
]


def take(
    built: BuiltOf, precision: Precision, directory: Path, cpu: str | None
) -> Mapping[str, np.ndarray]:
    """Returns what `speak_worker` made, on this CPU or an emulated one."""
    graphs, out = built("custom", precision), directory / f"{cpu}.npz"
    emulated = [] if cpu is None else [EMULATOR, "-cpu", cpu]
    worker = Path(__file__).with_name("speak_worker.py")
    subprocess.run(
        [
            *emulated,
            sys.executable,
            str(worker),
            str(graphs.directory),
            str(graphs.description.directory),
            str(out),
        ],
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        check=True,
        capture_output=True,
    )
    return np.load(out)


@pytest.mark.parametrize("cpu", CPUS)
def test_takes_in_fp32_are_the_same(built: BuiltOf, tmp_path: Path, cpu: str) -> None:
    here, there = (take(built, "fp32", tmp_path, c) for c in (None, cpu))
    np.testing.assert_allclose(there["logits"], here["logits"], atol=1e-4)
    np.testing.assert_array_equal(there["codes"], here["codes"])
    np.testing.assert_allclose(there["samples"], here["samples"], atol=1e-3)


@pytest.mark.parametrize("cpu", CPUS)
@pytest.mark.parametrize("precision", ["int8", "int4"])
def test_logits_in_fewer_bits_are_close(
    built: BuiltOf, tmp_path: Path, cpu: str, precision: Precision
) -> None:
    """Sums in another order flip roundings of inputs to 8 bits; without AVX2 nothing is rounded."""
    here, there = (take(built, precision, tmp_path, c) for c in (None, cpu))
    error = np.abs(there["logits"] - here["logits"]).max()
    assert error < 0.1 * here["logits"].std()
    assert there["codes"].shape == here["codes"].shape
