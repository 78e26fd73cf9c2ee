"""The live session over a real socket, with the `websockets` client."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.server.fakes import FakeSource, fake_services
from tests.server.serving import serving
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from intone.server.admission import NO_LIMITS
from intone.server.keys import KeyFile

PATH = "/v1/audio/speech/stream"
MAX_WAIT_S = 5.0


def socket_of(address: str) -> str:
    return address.replace("http://", "ws://") + PATH


def send(socket: ClientConnection, **event: object) -> None:
    socket.send(json.dumps(event))


def wait_until(is_so: Callable[[], bool]) -> None:
    until_s = time.monotonic() + MAX_WAIT_S
    while not is_so():
        assert time.monotonic() < until_s, "it did not happen"
        time.sleep(0.005)


def test_a_connection_that_is_cut_stops_the_take_within_two_frames(tmp_path: Path) -> None:
    source = FakeSource()
    behaviour, counts = source.behaviours["fake-custom"], source.counts["fake-custom"]
    behaviour.frame_s, behaviour.num_frames = 0.05, lambda request: 100_000
    services = fake_services(tmp_path, source)
    with serving(services) as address:
        with connect(socket_of(address)) as socket:
            send(socket, type="input.text", text="Hello there. And so on")
            while not isinstance(socket.recv(MAX_WAIT_S), bytes):
                pass
            before = counts.frames_made
            socket.socket.shutdown(2)  # no closing handshake
            wait_until(lambda: counts.cancellations == 1)
        assert counts.frames_made <= before + 2
        wait_until(lambda: services.admission.state().num_running == 0)
        wait_until(lambda: services.lifecycle.num_in == 0)


def test_sessions_side_by_side_are_each_their_own(tmp_path: Path) -> None:
    with serving(fake_services(tmp_path)) as address, ExitStack() as held:
        sockets = [held.enter_context(connect(socket_of(address))) for _ in range(5)]
        for seed, socket in enumerate(sockets):
            send(socket, type="session.config", seed=seed, keep_open=seed % 2 == 0)
            send(socket, type="input.text", text=f"Hello number {seed}. Bye.")
            send(socket, type="input.done")
        for seed, socket in enumerate(sockets):
            while True:
                message = socket.recv(MAX_WAIT_S)
                if isinstance(message, str) and json.loads(message)["type"] == "audio.done":
                    assert json.loads(message)["seed"] == seed
                    break


def test_keys_and_pages_are_checked_before_the_socket_opens(tmp_path: Path) -> None:
    token = KeyFile(tmp_path / "keys.json").add("someone", NO_LIMITS)
    with serving(fake_services(tmp_path)) as address:
        with pytest.raises(InvalidStatus) as refused:
            connect(socket_of(address))
        assert refused.value.response.status_code == 401
        bearer = {"Authorization": f"Bearer {token}"}
        with pytest.raises(InvalidStatus) as refused:
            connect(socket_of(address), additional_headers=bearer, origin="https://evil.example")
        assert refused.value.response.status_code == 403
        with connect(socket_of(address), subprotocols=["intone", f"intone-key.{token}"]) as socket:
            assert socket.subprotocol == "intone"
            send(socket, type="session.config")
            assert json.loads(socket.recv(MAX_WAIT_S))["type"] == "session.created"


def test_a_message_that_is_too_large_ends_the_session(tmp_path: Path) -> None:
    with serving(fake_services(tmp_path)) as address, connect(socket_of(address)) as socket:
        send(socket, type="input.text", text="a" * 100_000)
        with pytest.raises(ConnectionClosedError):
            list(socket)
        assert socket.close_code in (1008, 1009)
