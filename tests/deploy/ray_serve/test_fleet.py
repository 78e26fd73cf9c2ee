"""Replicas behind Ray Serve's proxies answer as one server does; none of this needs a GPU."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from tests.deploy.ray_serve.conftest import Fleet, builtin_args, replica_actors
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

pytestmark = pytest.mark.fleet

SPEECH = "/v1/audio/speech"
TEXTS = ("One small step.", "Two small steps, then.", "Three of them, and a little more of it.")
LONG = "It was late, and nobody had slept. " * 24


def body(text: str, seed: int = 1, **more: object) -> dict[str, object]:
    return {"input": text, "seed": seed, "response_format": "pcm", **more}


def until(is_so: Callable[[], bool], within_s: float = 10.0) -> float:
    """Waits until something is so; returns how long it took, in seconds."""
    begun_s = time.monotonic()
    while not is_so():
        assert time.monotonic() - begun_s < within_s, "it did not happen"
        time.sleep(0.005)
    return time.monotonic() - begun_s


def figure(client: httpx.Client, name: str, prefix: str = "") -> float:
    """Returns the sum of a metric over its labels, of whichever replica answers."""
    lines = client.get(f"{prefix}/metrics").text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


def test_both_replicas_speak_and_a_seed_is_the_same_sound_on_each(fleet: Fleet) -> None:
    with fleet.client() as client, ThreadPoolExecutor(8) as callers:
        answers = list(callers.map(lambda _: client.post(SPEECH, json=body(TEXTS[2])), range(24)))
        made_s = {figure(client, "intone_audio_seconds_total") for _ in range(40)}

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    whole_s = sum(len(answer.content) for answer in answers) / 48_000
    assert 0 < min(made_s)
    assert max(made_s) < 0.9 * whole_s  # nobody made it all


def test_sound_arrives_while_the_rest_is_made(fleet: Fleet) -> None:
    begun_s = time.monotonic()
    with fleet.client() as client, client.stream("POST", SPEECH, json=body(LONG)) as stream:
        pieces = stream.iter_raw()
        next(pieces)
        first_s = time.monotonic() - begun_s
        num_bytes = sum(len(piece) for piece in pieces)
    whole_s = time.monotonic() - begun_s

    assert first_s < 0.3 * whole_s
    assert num_bytes > 40 * 48_000  # 40 s of it


def test_events_arrive_one_by_one(fleet: Fleet) -> None:
    asked = body(LONG, stream_format="sse")
    with fleet.client() as client, client.stream("POST", SPEECH, json=asked) as stream:
        times_s = [(time.monotonic(), line) for line in stream.iter_lines() if line]

    events = [(when_s, json.loads(line.removeprefix("data: "))) for when_s, line in times_s]
    assert events[0][1]["type"] == "speech.audio.delta"
    assert events[-1][1]["type"] == "speech.audio.done"
    assert events[-1][0] - events[0][0] > 0.5


def test_a_live_session_speaks_over_a_websocket(fleet: Fleet) -> None:
    with live(fleet) as session:
        session.send(json.dumps({"type": "session.config", "seed": 3}))
        session.send(json.dumps({"type": "input.text", "text": "Hello there. "}))
        first = spoken_in(session)
        session.send(json.dumps({"type": "input.text", "text": "And good night."}))
        session.send(json.dumps({"type": "input.done"}))
        rest = sum(len(message) for message in session if isinstance(message, bytes))

    assert first > 0
    assert rest > 10_000


def test_a_websocket_names_its_model_in_the_address(fleet: Fleet) -> None:
    for path in (f"{SPEECH}/stream?model=tiny-custom", f"/tiny-custom{SPEECH}/stream"):
        with live(fleet, path) as session:
            session.send(json.dumps({"type": "session.config", "seed": 3}))
            created = json.loads(session.recv(10))
            assert (created["type"], created["model"]) == ("session.created", "tiny-custom")


def test_a_websocket_without_a_key_is_refused(fleet: Fleet) -> None:
    with pytest.raises(InvalidStatus) as refused:
        connect(fleet.address.replace("http", "ws") + f"{SPEECH}/stream").close()

    assert refused.value.response.status_code in (401, 403)


@pytest.mark.parametrize(
    ("asked", "speaks"),
    [("builtin", "builtin"), ("tiny-custom", "tiny-custom"), ("tts-1", "builtin")],
)
def test_the_model_of_a_body_chooses_the_application(fleet: Fleet, asked: str, speaks: str) -> None:
    with fleet.client() as client:
        answer = client.post(SPEECH, json=body("Hello.", model=asked, max_frames=4))

        assert (answer.status_code, answer.headers["x-model"]) == (200, speaks)
        assert answer.headers.get_list("x-request-id", split_commas=True)[1:] == []
        assert client.get("/v1/models/tiny-custom").json()["id"] == "tiny-custom"
        listed = client.get("/v1/models").json()["data"]
        assert [one["id"] for one in listed] == ["builtin", "tiny-custom"]
        assert client.get("/tiny-custom/v1/models").json()["data"][0]["id"] == "tiny-custom"


def test_an_unknown_model_is_not_found(fleet: Fleet) -> None:
    with fleet.client() as client:
        answer = client.post(SPEECH, json=body("Hello.", model="9b-custom"))

    assert answer.status_code == 404
    assert "'9b-custom' is not served here" in answer.json()["error"]["message"]


def test_a_stranger_is_refused_at_every_application(fleet: Fleet) -> None:
    for path in (SPEECH, f"/tiny-custom{SPEECH}"):
        answer = httpx.post(fleet.address + path, json=body("Hello."))
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")
        assert httpx.get(f"{fleet.address}{path.removesuffix(SPEECH)}/readyz").status_code == 200


def test_a_client_that_leaves_stops_its_take_on_the_replica(fleet: Fleet) -> None:
    asked = body(LONG, model="tiny-custom", chunk_frames=1)
    with fleet.client() as client:
        before = figure(client, "intone_cancelled_total", "/tiny-custom")
        with client.stream("POST", SPEECH, json=asked) as stream:
            next(stream.iter_raw())
        left_s = until(
            lambda: figure(client, "intone_cancelled_total", "/tiny-custom") > before, 5.0
        )
        made_s = figure(client, "intone_audio_seconds_total", "/tiny-custom")
        time.sleep(0.3)

        assert figure(client, "intone_audio_seconds_total", "/tiny-custom") == made_s
        assert figure(client, "intone_running", "/tiny-custom") == 0
        assert left_s < 1.0


def test_a_full_fleet_says_at_once_when_to_come_back(fleet: Fleet) -> None:
    asked = body("Hello.", model="tiny-custom", max_frames=200)

    def ask(_: int) -> tuple[int, float, float]:
        with fleet.client() as client:
            answer = client.post(SPEECH, json=asked)
        retry_s = float(answer.headers.get("retry-after", 0))
        return answer.status_code, answer.elapsed.total_seconds(), retry_s

    with ThreadPoolExecutor(16) as callers:
        answers = list(callers.map(ask, range(16)))
    refusals = [(wall_s, retry_s) for status, wall_s, retry_s in answers if status == 503]
    spoken_s = [wall_s for status, wall_s, _ in answers if status == 200]

    assert len(refusals) + len(spoken_s) == 16
    assert len(spoken_s) >= 3  # one that is spoken, two that wait
    assert refusals
    assert min(retry_s for _, retry_s in refusals) >= 1
    assert sorted(wall_s for wall_s, _ in refusals)[0] < min(spoken_s)


def test_a_rolling_update_fails_no_request(fleet: Fleet) -> None:
    with fleet.client() as client:
        right = {text: spoken(client, text) for text in (*TEXTS, LONG)}
    old, is_over = set(replica_actors("builtin")), threading.Event()

    def speak(caller: int) -> list[tuple[int, bool]]:
        heard: list[tuple[int, bool]] = []
        with fleet.client() as client:
            while not is_over.is_set():
                text = TEXTS[(caller + len(heard)) % len(TEXTS)]
                answer = client.post(SPEECH, json=body(text))
                heard.append((answer.status_code, answer.content == right[text]))
        return heard

    def listen_long() -> bool:
        with fleet.client() as client:
            return spoken(client, LONG) == right[LONG]

    with ThreadPoolExecutor(8) as callers:
        long = [callers.submit(listen_long) for _ in range(2)]
        speaking = [callers.submit(speak, caller) for caller in range(6)]
        time.sleep(0.5)  # the long ones run on what will be replaced
        try:
            fleet.deploy("builtin", "/", builtin_args(waiting=32))
            until(lambda: not old & set(replica_actors("builtin")), 60.0)
        finally:
            is_over.set()
        heard = [one for caller in speaking for one in caller.result()]

    assert [caller.result() for caller in long] == [True, True]
    assert len(heard) > 20
    assert set(heard) == {(200, True)}
    assert len(replica_actors("builtin")) == 2


def test_a_killed_replica_is_told_to_its_callers_and_the_others_go_on(fleet: Fleet) -> None:
    import ray

    with fleet.client() as client:
        whole = client.post(SPEECH, json=body(LONG)).content
    begun = threading.Barrier(7, timeout=30)

    def listen(_: int) -> str:
        received = b""
        with fleet.client() as client:
            try:
                with client.stream("POST", SPEECH, json=body(LONG)) as stream:
                    pieces = stream.iter_raw()
                    received += next(pieces)
                    begun.wait()
                    received += b"".join(pieces)
            except httpx.RemoteProtocolError:
                return "told"
        return "right" if received == whole else "wrong"

    with ThreadPoolExecutor(6) as callers:
        listening = [callers.submit(listen, caller) for caller in range(6)]
        begun.wait()
        killed = ray.get_actor(replica_actors("builtin")[0], namespace="serve")
        ray.kill(killed)
        ends = [caller.result() for caller in listening]
        with fleet.client() as client:
            after = [client.post(SPEECH, json=body(text)).status_code for text in TEXTS * 4]

    assert set(ends) == {"told", "right"}
    assert set(after) == {200}
    until(lambda: len(replica_actors("builtin")) == 2, 60.0)


def spoken(client: httpx.Client, text: str) -> bytes:
    answer = client.post(SPEECH, json=body(text))
    assert answer.status_code == 200
    return answer.content


def live(fleet: Fleet, path: str = f"{SPEECH}/stream") -> ClientConnection:
    address = fleet.address.replace("http", "ws") + path
    return connect(address, additional_headers={"authorization": f"Bearer {fleet.key}"})


def spoken_in(session: ClientConnection) -> int:
    """Returns the size of the first piece of sound, in bytes."""
    while not isinstance(message := session.recv(20), bytes):
        pass
    return len(message)
