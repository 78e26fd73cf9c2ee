"""The rooms and the arrows between them, as `docs/architecture.md` says."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

ROOT = Path(__file__).parents[1]


def test_imports_go_downwards_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    try:
        assert lint_imports(no_cache=True) == EXIT_STATUS_SUCCESS
    finally:  # it configures logging for itself, which silences every logger that exists
        logging.getLogger("intone").disabled = False


def test_importing_intone_is_light() -> None:
    code = (
        "import sys, time; start = time.perf_counter(); import intone; "
        "assert 'torch' not in sys.modules and 'numpy' not in sys.modules; "
        "from intone import TTS; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_room_is_described() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rooms = {path.parent.name for path in (ROOT / "src" / "intone").glob("*/__init__.py")}
    missing = [room for room in rooms if f"`{room}/`" not in page]
    assert not missing
