"""A server of ours for the length of a measurement, in a process of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from tempfile import TemporaryFile
from types import MappingProxyType
from typing import IO

import httpx2

from intone.core.errors import BenchError

_MAX_START_S = 300.0
_MAX_STOP_S = 20.0
_ASK_AGAIN_S = 0.05
_LOG_CHARACTERS = 2_000
_SETTINGS = {
    "INTONE_MODEL__PRELOAD": "true",
    "INTONE_JOBS__ENABLED": "false",  # those of this machine's own server are not touched
}


@contextmanager
def own_server(model: str, settings: Mapping[str, str] = MappingProxyType({})) -> Iterator[str]:
    """Yields the address of `intone serve` with a model loaded; INTONE_... set it up further.

    Args:
        settings: variables INTONE_..., over those of this process.

    Raises:
        BenchError: it did not become ready.
    """
    url = f"http://127.0.0.1:{_free_port()}"
    command = [sys.executable, "-m", "intone", "serve", "--port", url.rpartition(":")[2]]
    variables = {**os.environ, **_SETTINGS, **settings, "INTONE_MODEL__DEFAULT": model}
    with TemporaryFile("w+", errors="replace") as log:
        process = subprocess.Popen(command, env=variables, stdout=log, stderr=log)
        try:
            _until_ready(url, process, log)
            yield url
        finally:
            process.terminate()
            try:
                process.wait(_MAX_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _until_ready(url: str, process: subprocess.Popen[bytes], log: IO[str]) -> None:
    deadline_s = time.monotonic() + _MAX_START_S
    while time.monotonic() < deadline_s:
        if process.poll() is not None:
            log.seek(0)
            raise BenchError(f"the server ended at once: {log.read()[-_LOG_CHARACTERS:].strip()}")
        try:
            if httpx2.get(f"{url}/readyz").status_code == 200:
                return
        except httpx2.TransportError:
            pass
        time.sleep(_ASK_AGAIN_S)
    raise BenchError(f"the server was not ready within {_MAX_START_S:g} s.")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])
