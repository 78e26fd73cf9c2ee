"""The Python of the serving page that talks to a server, talking to one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[3] / "docs" / "serve.md"
SERVER = "http://localhost:8000"
CLIENTS = [
    code
    for code in re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.M | re.S)
    if SERVER in code
]


def test_the_page_shows_a_client() -> None:
    assert CLIENTS


@pytest.mark.parametrize("code", CLIENTS)
def test_the_client_of_the_page_runs(
    url: str, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}

    exec(compile(code.replace(SERVER, url), "serve.md", "exec"), names)
    for value in names.values():
        if type(value).__name__ == "OpenAI":
            value.close()  # type: ignore[attr-defined]

    assert any(path.stat().st_size > 500 for path in tmp_path.iterdir())
