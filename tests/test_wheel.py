"""The wheel is built, installed into a clean environment, and speaks there."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAX_WHEEL_BYTES = 25_000_000

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    return next(folder.glob("intone-*.whl"))


def test_the_wheel_holds_the_package_and_little_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()

    assert wheel.stat().st_size <= MAX_WHEEL_BYTES
    assert {"intone/__init__.py", "intone/py.typed", "intone/cli/__init__.py"} <= set(names)
    assert all(name.startswith(("intone/", "intone-")) for name in names)
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_a_clean_environment_speaks(wheel: Path, tmp_path: Path) -> None:
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    subprocess.run(
        [python, "-m", "pip", "install", "-q", "-c", ROOT / "constraints.txt", wheel], check=True
    )

    def intone(*arguments: str) -> str:
        command = [str(python.with_name("intone")), *arguments]
        return subprocess.run(
            command, cwd=tmp_path, check=True, capture_output=True, text=True
        ).stdout

    intone("models", "random", "--out", "tiny")
    assert "x real time" in intone("say", "Hello.", "--model", "tiny", "--max-frames", "5")
    assert (tmp_path / "speech.wav").stat().st_size > 5 * 1_920 * 2
