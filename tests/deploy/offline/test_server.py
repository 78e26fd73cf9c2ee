"""A set that a server speaks: the same file, directory and guarantees."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.deploy.offline.sets import lines_of, texts, write_rows
from tests.remote.fleet import own_services
from tests.server.fakes import FakeSource
from tests.server.serving import serving

from intone.cli import main


@pytest.fixture
def source() -> FakeSource:
    return FakeSource()


@pytest.fixture
def url(source: FakeSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server whose models make tones; the commands run in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("INTONE_API_KEY", raising=False)
    monkeypatch.setattr(logging.getLogger("intone.server"), "propagate", False)  # another process
    with serving(own_services(tmp_path / "served", source)) as address:
        yield address


def test_a_server_speaks_a_set_once(
    url: str, source: FakeSource, capsys: pytest.CaptureFixture[str]
) -> None:
    write_rows(
        Path("set.jsonl"), [*texts(5), {"id": "v", "text": "Hi.", "voice": "vivian", "seed": 7}]
    )
    command = ["batch", "set.jsonl", "--server", url, "--out", "out"]
    assert main(command) == 0, capsys.readouterr().err
    assert len(lines_of(Path("out/manifest.jsonl"))) == 6
    requests = source.counts["fake-custom"].requests
    assert len(requests) == 6
    assert ("vivian", 7) in [(request.voice, request.seed) for request in requests]
    assert main(command) == 0
    assert len(source.counts["fake-custom"].requests) == 6


def test_a_server_and_a_cluster_are_two_ways(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    write_rows(Path("set.jsonl"), texts(1))
    assert main(["batch", "set.jsonl", "--server", url, "--ray"]) == 3
    assert "give one of them" in capsys.readouterr().err
