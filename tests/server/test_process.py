"""`intone serve` as a process: it listens, drains, and needs nothing from outside this machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from intone.core.constants import SAMPLES_PER_FRAME
from intone.core.types import ModelKind

Checkpoint = Callable[[ModelKind], Path]
SPEECH = {"input": "Hello there.", "response_format": "pcm"}
NUM_FRAMES = 60

# A model that makes as many frames as it is told to, one in 30 ms.
SLOW = """
import sys
from pathlib import Path
from tests.server.fakes import FakeSource, fake_services, with_settings
from intone.server.json_logs import json_logs
from intone.server.sections import ServerSection
from intone.server.serving import serve
source = FakeSource()
behaviour = source.behaviours["fake-custom"]
behaviour.frame_s, behaviour.num_frames = 0.03, lambda request: int(sys.argv[2])
services = fake_services(Path(sys.argv[1]), source)
with json_logs("info"):
    serve(with_settings(services, server=ServerSection(port=0)))
"""

# Refuses every connection to elsewhere, and every look-up of a name, before intone is imported.
OFFLINE = """
import socket, sys
def refuse(*args, **kwargs): raise AssertionError(f"went out to {args}")
def connect(sock, address):
    if sock.family in (socket.AF_INET, socket.AF_INET6) and address[0] != "127.0.0.1":
        refuse(address)
    return plain(sock, address)
plain = socket.socket.connect
socket.socket.connect, socket.getaddrinfo = connect, refuse
from intone.cli import main
sys.exit(main())
"""


@contextmanager
def server(code: str, *arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Yields a process that listens, and its address."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stderr=subprocess.PIPE,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    try:
        assert process.stderr is not None
        line = json.loads(process.stderr.readline())
        yield process, f"http://127.0.0.1:{line['port']}"
    finally:
        process.kill()
        process.communicate()


def test_a_stream_ends_well_while_the_server_drains(tmp_path: Path) -> None:
    with (
        server(SLOW, str(tmp_path), str(NUM_FRAMES)) as (process, url),
        httpx.stream("POST", f"{url}/v1/audio/speech", json=SPEECH) as stream,
    ):
        pieces = stream.iter_raw()
        received = len(next(pieces))
        process.send_signal(signal.SIGTERM)
        refused = _until_draining(url)
        received += sum(map(len, pieces))

        assert refused.status_code == 503
        assert int(refused.headers["retry-after"]) > 0
        assert received == NUM_FRAMES * SAMPLES_PER_FRAME * 2
        assert process.wait(timeout=5) == 0


def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    with (
        server(SLOW, str(tmp_path), "1000") as (process, url),
        httpx.stream("POST", f"{url}/v1/audio/speech", json=SPEECH) as stream,
    ):
        pieces = stream.iter_raw()
        next(pieces)
        process.send_signal(signal.SIGTERM)
        _until_draining(url)
        process.send_signal(signal.SIGTERM)

        assert process.wait(timeout=1) == 128 + signal.SIGTERM


def test_a_model_of_this_machine_speaks_without_a_network(
    tiny_checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "HF_HOME", "MODELSCOPE_CACHE"):
        monkeypatch.setenv(name, str(tmp_path))
    options = ("--port", "0", "--model", str(tiny_checkpoint("custom")), "--dtype", "fp32")
    with server(OFFLINE, "serve", *options) as (process, url):
        answer = httpx.post(f"{url}/v1/audio/speech", json=SPEECH | {"seed": 1}, timeout=30)
        models = httpx.get(f"{url}/v1/models").json()["data"]
        process.send_signal(signal.SIGTERM)

        assert (answer.status_code, answer.headers["x-seed"]) == (200, "1")
        assert len(answer.content) > 1_000
        assert [model["id"] for model in models] == ["tiny-custom", "builtin"]
        assert process.wait(timeout=10) == 0


def _until_draining(url: str) -> httpx.Response:
    """Returns the refusal of new work, as soon as `/readyz` says that it is refused."""
    deadline_s = time.monotonic() + 2
    while httpx.get(f"{url}/readyz").status_code == 200:
        assert time.monotonic() < deadline_s
        time.sleep(0.01)
    return httpx.get(f"{url}/v1/models")
