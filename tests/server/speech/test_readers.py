"""Readers who leave, who are slow, and who are many: over real sockets."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from urllib.parse import urlsplit

import httpx
import pytest
from tests.server.fakes import FakeSource, fake_services
from tests.server.serving import serving

from intone.core.errors import CapacityError
from intone.server.admission import AdmissionState
from intone.server.sections import QueueSection, SpeechSection
from intone.server.services import Services
from intone.server.settings import Settings

FRAME_S = 0.02
FRAME_BYTES = 1_920 * 2
FRAMES_AFTER_DEPARTURE = 2
LONG = " ".join(f"This is sentence number {n} of a text that takes long to say." for n in range(90))


@contextmanager
def server(
    folder: Path, *, frame_s: float = FRAME_S, num_frames: int = 500, running: int = 8
) -> Iterator[tuple[str, FakeSource, Services]]:
    source = FakeSource()
    for behaviour in source.behaviours.values():
        behaviour.frame_s, behaviour.num_frames = frame_s, lambda request: num_frames
    settings = Settings(
        queue=QueueSection(running=running), speech=SpeechSection(slow_reader_s=20.0)
    )
    services = fake_services(folder, source, settings)
    with serving(services) as url:
        yield url, source, services


def open_request(url: str, path: str = "/v1/audio/speech", **body: object) -> socket.socket:
    """Sends a request by hand and returns the connection, nothing of the answer read."""
    parts = urlsplit(url)
    data = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\n"
    # A small window, so that a slow reader is felt soon.
    wire = socket.socket()
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    wire.settimeout(5.0)
    wire.connect((parts.hostname, parts.port))
    wire.sendall(f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data)
    return wire


def wait_until(is_so: Callable[[], bool], what: str, limit_s: float = 3.0) -> None:
    deadline_s = time.monotonic() + limit_s
    while not is_so():
        assert time.monotonic() < deadline_s, what
        time.sleep(0.002)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/audio/speech", {"input": "Hello.", "response_format": "pcm"}),
        ("/v1/audio/speech", {"input": "Hello.", "response_format": "mp3"}),
        ("/v1/audio/speech", {"input": "Hello.", "stream_format": "sse"}),
        ("/v1/audio/speech", {"input": "Hello.", "stream": False}),
        ("/v1/audio/speech", {"text": "Hello.", "speaker": "Vivian"}),
        ("/api/tts", {"text": "Hello."}),
    ],
)
def test_a_reader_who_leaves_stops_the_work_within_two_frames(
    tmp_path: Path, path: str, body: dict[str, object]
) -> None:
    with server(tmp_path) as (url, source, services):
        wire = open_request(url, path, **body)
        wait_until(lambda: source.frames_made >= 5, "no frame was made")
        made = source.frames_made
        wire.close()
        time.sleep(8 * FRAME_S)
        assert source.frames_made <= made + FRAMES_AFTER_DEPARTURE
        assert source.counts["fake-custom"].cancellations == 1
        wait_until(lambda: services.admission.state() == AdmissionState(0, 0), "a place is held")
        assert [state.num_leases for state in services.pool.states()] == [0]
        figures = httpx.get(f"{url}/metrics").text
        assert f'intone_cancelled_total{{route="{path}"}} 1.0' in figures


def test_who_leaves_between_two_takes_of_a_long_text_gets_no_third(tmp_path: Path) -> None:
    with server(tmp_path, num_frames=3) as (url, source, _):
        wire = open_request(url, input=LONG, response_format="pcm")
        wait_until(lambda: source.counts["fake-custom"].takes >= 2, "no second take")
        made = source.frames_made
        wire.close()
        time.sleep(8 * FRAME_S)
        assert source.frames_made <= made + FRAMES_AFTER_DEPARTURE


def test_who_leaves_before_the_first_sound_is_not_spoken_to(tmp_path: Path) -> None:
    with server(tmp_path, running=1) as (url, source, services):
        source.behaviours["fake-custom"].gate = Event()
        first = open_request(url, input="Hello.")
        wait_until(lambda: source.frames_made == 1, "the first is not spoken")
        second = open_request(url, input="Hello.")
        wait_until(lambda: services.admission.state().num_waiting == 1, "the second does not wait")
        second.close()
        wait_until(lambda: services.admission.state().num_waiting == 0, "it waits although it left")
        first.close()
        wait_until(lambda: services.admission.state() == AdmissionState(0, 0), "a place is held")
        assert source.counts["fake-custom"].takes == 1


def test_a_slow_reader_stops_nobody_and_its_buffer_is_bounded(tmp_path: Path) -> None:
    """One place: a request that waits for its reader must give it away."""
    with server(tmp_path, frame_s=0.0, num_frames=100, running=1) as (url, source, services):
        slow = open_request(url, input=LONG, response_format="pcm")

        def is_parked() -> bool:
            return source.frames_made > 100 and services.admission.state().num_running == 0

        wait_until(is_parked, "the slow reader holds its place")
        parked_at = source.frames_made
        assert parked_at * FRAME_BYTES < 6_000_000
        answer = httpx.post(f"{url}/v1/audio/speech", json={"input": "Hi."}, timeout=3.0)
        assert answer.status_code == 200
        assert source.frames_made == parked_at + 100
        assert _read_to_end(slow) > 20 * 100 * FRAME_BYTES
        slow.close()


def test_a_reader_that_takes_nothing_is_left(tmp_path: Path) -> None:
    source = FakeSource()
    source.behaviours["fake-custom"].num_frames = lambda request: 400
    settings = Settings(speech=SpeechSection(slow_reader_s=0.2))
    services = fake_services(tmp_path, source, settings)
    with serving(services) as url:
        wire = open_request(url, input=LONG, response_format="pcm")
        wait_until(lambda: source.frames_made > 0, "no frame was made")
        wait_until(lambda: services.lifecycle.num_in == 0, "it is still served")
        assert services.admission.state() == AdmissionState(0, 0)
        wire.close()


def test_half_a_sound_does_not_look_whole(tmp_path: Path) -> None:
    with server(tmp_path, frame_s=0.001) as (url, source, _):
        behaviour = source.behaviours["fake-custom"]
        behaviour.fail_at_frame, behaviour.error = 5, lambda: CapacityError("full")
        body = {"input": "Hello.", "response_format": "pcm"}
        with (
            pytest.raises(httpx.RemoteProtocolError),
            httpx.stream("POST", f"{url}/v1/audio/speech", json=body) as answer,
        ):
            answer.read()
        assert answer.status_code == 200


def test_many_at_once_get_each_their_own_sound(tmp_path: Path) -> None:
    with (
        server(tmp_path, frame_s=0.001, num_frames=12, running=4) as (url, source, services),
        ThreadPoolExecutor(8) as threads,
    ):
        bodies = [
            {"input": f"Text number {n}.", "seed": n, "response_format": "pcm"} for n in range(16)
        ]
        with httpx.Client() as client:

            def ask(body: dict[str, object]) -> bytes:
                return client.post(f"{url}/v1/audio/speech", json=body, timeout=10.0).content

            together = list(threads.map(ask, bodies))
            alone = [ask(body) for body in bodies]
        assert together == alone
        assert len(set(together)) == 16
        assert source.counts["fake-custom"].loads == 1
        assert services.admission.state() == AdmissionState(0, 0)


def _read_to_end(wire: socket.socket) -> int:
    """Returns the bytes of a chunked answer, its framing included."""
    num_bytes, last = 0, b""
    while not last.endswith(b"0\r\n\r\n"):
        part = wire.recv(1 << 20)
        assert part, "it was cut"
        num_bytes += len(part)
        last = (last + part)[-5:]
    return num_bytes
