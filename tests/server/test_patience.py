"""Half a request holds no connection."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path

import uvicorn
from tests.server.fakes import fake_services

from intone.server.app import create_app
from intone.server.patient_protocol import PatientProtocol


class Hasty(PatientProtocol):
    headers_s = 0.2


def test_a_connection_that_sends_half_a_request_is_closed(tmp_path: Path) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(create_app(fake_services(tmp_path)), http=Hasty, log_config=None)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        with socket.create_connection(listener.getsockname(), timeout=5) as half:
            half.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n")
            assert half.recv(1) == b""
        with socket.create_connection(listener.getsockname(), timeout=5) as whole:
            assert _answer_on(whole).startswith(b"HTTP/1.1 200")
            time.sleep(0.3)  # an answered connection is kept for the next request
            assert _answer_on(whole).startswith(b"HTTP/1.1 200")
    finally:
        server.should_exit = True
        thread.join(5)
    assert not thread.is_alive()


def _answer_on(connection: socket.socket) -> bytes:
    connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    answer = b""
    while not answer.endswith(b"}"):
        answer += connection.recv(65_536)
    return answer
