"""Half requests, slow ones and contradictory ones, byte by byte on a socket."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from tests.server.fakes import fake_services
from tests.server.hostile.checking import Judge
from tests.server.serving import serving

_HEAD = b"POST /v1/audio/speech HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(fake_services(tmp_path_factory.mktemp("wire"))) as address:
        yield address


def connected(url: str) -> socket.socket:
    parts = urlsplit(url)
    assert parts.hostname is not None
    return socket.create_connection((parts.hostname, parts.port or 80), timeout=5)


def answer_to(url: str, sent: bytes) -> bytes:
    """Returns all that comes back until the server closes, or waits."""
    with closing(connected(url)) as connection:
        connection.settimeout(0.3)
        connection.sendall(sent)
        received = b""
        try:
            while piece := connection.recv(65_536):
                received += piece
        except (TimeoutError, ConnectionResetError):
            pass
        return received


CONTRADICTIONS: dict[str, bytes] = {
    "no HTTP": b"hello\r\n\r\n",
    "TLS on a plain port": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),
    "two lengths": _HEAD + b"Content-Length: 5\r\nContent-Length: 50\r\n\r\n12345",
    "a negative length": _HEAD + b"Content-Length: -5\r\n\r\n",
    "a length in words": _HEAD + b"Content-Length: five\r\n\r\n",
    "a chunk of no size": _HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    "a chunk of 2**80": _HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 20 + b"\r\n",
    "another encoding": _HEAD + b"Transfer-Encoding: identity, gzip\r\n\r\n",
    "a zero in a header": _HEAD + b"X: a\0b\r\nContent-Length: 0\r\n\r\n",
    "a header without a colon": _HEAD + b"nonsense\r\n\r\n",
    "no version": b"GET /healthz\r\nHost: x\r\n\r\n",
    "no host": b"GET /healthz HTTP/1.1\r\n\r\n",
}


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_a_request_that_contradicts_itself_is_refused(url: str, tmp_path: Path, name: str) -> None:
    received = answer_to(url, CONTRADICTIONS[name])

    assert not received or received.startswith((b"HTTP/1.1 4", b"HTTP/1.1 501"))
    assert b"Traceback" not in received
    assert str(tmp_path.parents[1]).encode() not in received


def test_a_body_that_is_shorter_than_it_says_is_not_spoken(url: str) -> None:
    received = answer_to(url, _HEAD + b'Content-Length: 500\r\n\r\n{"input": "Hello."}')

    assert b"HTTP/1.1 200" not in received


def test_half_requests_keep_nobody_else_waiting(url: str) -> None:
    half = [connected(url) for _ in range(50)]
    try:
        for number, connection in enumerate(half):
            connection.sendall(_HEAD if number % 2 else _HEAD + b'Content-Length: 50\r\n\r\n{"in')
        started_s = time.perf_counter()
        assert httpx.get(f"{url}/healthz").status_code == 200
        body = {"model": "tts-1", "voice": "alloy", "input": "Hello.", "response_format": "pcm"}
        assert httpx.post(f"{url}/v1/audio/speech", json=body).status_code == 200
        assert time.perf_counter() - started_s < 2.0
    finally:
        for connection in half:
            connection.close()


def test_headers_without_an_end_are_cut_off(url: str) -> None:
    with closing(connected(url)) as connection:
        connection.settimeout(2.0)
        received = b""
        try:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n")
            for number in range(200):
                connection.sendall(b"X-%d: " % number + b"y" * 10_000 + b"\r\n")
            received = connection.recv(4_096)
        except (ConnectionError, TimeoutError):
            received = received or b"HTTP/1.1 4 (closed)"

    assert received.startswith(b"HTTP/1.1 4")


def test_the_judge_sees_what_it_must_not() -> None:
    judge = Judge(Path("/srv/secret-place"), "intone_token")
    for leak in ("no file /srv/secret-place/x", "key intone_token", "Traceback (most recent"):
        with pytest.raises(AssertionError):
            judge.check_silent(httpx.Response(400, text=leak))
