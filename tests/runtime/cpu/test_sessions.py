"""What opening ONNX Runtime does besides: nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def test_onnx_runtime_reports_nothing_and_leaves_nothing_in_the_users_cache(tmp_path: Path) -> None:
    environ = {name: os.environ[name] for name in ("PATH",) if name in os.environ}
    environ |= {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    found = subprocess.run(
        [sys.executable, "-c", "import intone.runtime.cpu.sessions"],
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )

    assert found.stderr == ""
    assert list(tmp_path.iterdir()) == []
