"""`intone studio` as a user starts it, in a home of its own, with the network taken away."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_MAX_START_S = 60.0
_MAX_END_S = 10.0
_POLL_S = 0.02
_VARIABLES = ("INTONE_", "HF_", "GRADIO_", "XDG_")
"""Of the user; a test has its own."""

# Connections to elsewhere, and look-ups of names, fail and are written into the log.
_OFFLINE = """
import os, socket, sys
def refuse(place):
    print(f"WENT OUT TO {place}", file=sys.stderr, flush=True)
    raise OSError(f"offline: {place}")
def connect(sock, address):
    is_far = sock.family in (socket.AF_INET, socket.AF_INET6) and address[0] != "127.0.0.1"
    return refuse(address) if is_far else plain_connect(sock, address)
def look_up(host, *args, **kwargs):
    is_near = host in (None, "", "localhost", "127.0.0.1", "::1")
    return plain_look_up(host, *args, **kwargs) if is_near else refuse(host)
plain_connect, plain_look_up = socket.socket.connect, socket.getaddrinfo
socket.socket.connect, socket.getaddrinfo = connect, look_up
from intone.cli import main
sys.exit(main())
"""


@dataclass(frozen=True, slots=True)
class RunningStudio:
    """A process that answers."""

    url: str
    """Of the page."""
    pid: int
    home: Path
    """What it takes for the user's folders."""
    log: Path
    start_s: float
    """From its start to its first answer."""

    @property
    def server_url(self) -> str:
        return self.url.removesuffix("/studio/")

    def resident_bytes(self) -> int:
        """Returns how much memory it has now, from /proc."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        line = next(line for line in lines if line.startswith("VmRSS:"))
        return int(line.split()[1]) * 1_024


@contextmanager
def running_studio(
    home: Path,
    *arguments: str,
    command: Sequence[str] = ("studio",),
    environ: Mapping[str, str] | None = None,
    cache: Path | None = None,
) -> Iterator[RunningStudio]:
    """Yields a studio that listens on a free port, and ends it with the context.

    Args:
        home: for its voices, takes, jobs, keys and log.
        command: ("serve", "--studio") for the one behind keys.
        cache: for the graphs that it builds; studios may share it.
    """
    home.mkdir(parents=True, exist_ok=True)
    port, log = free_port(), home / "log.txt"
    started_s = time.monotonic()
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-c", _OFFLINE, *command, "--port", str(port), *arguments],
            env=_environment(home, cache) | dict(environ or {}),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
    try:
        url = f"http://127.0.0.1:{port}/studio/"
        _wait(process, f"http://127.0.0.1:{port}/healthz", log)
        yield RunningStudio(url, process.pid, home, log, time.monotonic() - started_s)
    finally:
        _end(process)
    written = log.read_text()
    assert "WENT OUT TO" not in written, written
    assert "Traceback" not in written, written


def free_port() -> int:
    """Returns a port that nobody listens on, now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _environment(home: Path, cache: Path | None) -> dict[str, str]:
    kept = {n: v for n, v in os.environ.items() if not n.startswith(_VARIABLES)}
    return kept | {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_DATA_HOME": str(home / "data"),
        "XDG_STATE_HOME": str(home / "state"),
        "XDG_CACHE_HOME": str(cache or home / "cache"),
        "HF_HOME": str(home / "hub"),
        "MODELSCOPE_CACHE": str(home / "hub"),
        "GRADIO_TEMP_DIR": str(home / "gradio"),
    }


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline_s = time.monotonic() + _MAX_START_S
    while not _answers(url):
        assert process.poll() is None, f"the studio ended:\n{log.read_text()}"
        assert time.monotonic() < deadline_s, f"the studio does not answer:\n{log.read_text()}"
        time.sleep(_POLL_S)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except OSError:
        return False


def _end(process: subprocess.Popen[bytes]) -> None:
    """As Ctrl-C ends it; what does not end is killed."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(_MAX_END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
