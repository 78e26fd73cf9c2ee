"""A real server in a thread, on a free port of this machine."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import uvicorn
from starlette.types import ASGIApp

from intone.server.app import create_app
from intone.server.patient_protocol import PatientProtocol
from intone.server.services import Services

_MAX_START_S = 10.0


def serving(services: Services) -> AbstractContextManager[str]:
    """Serves Intone over whatever services it is given; see `serving_app`."""
    return serving_app(create_app(services))


@contextmanager
def serving_app(app: ASGIApp) -> Iterator[str]:
    """Yields the address, `http://127.0.0.1:PORT`; ends the server with the context."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        app,
        http=PatientProtocol,
        ws="websockets-sansio",
        log_config=None,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        _wait(server, thread)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(_MAX_START_S)
        listening.close()
    assert not thread.is_alive()


def _wait(server: uvicorn.Server, thread: threading.Thread) -> None:
    deadline_s = time.monotonic() + _MAX_START_S
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        assert time.monotonic() < deadline_s, "the server takes too long to start"
        time.sleep(0.005)
