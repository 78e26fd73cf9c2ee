"""The live session over a WebSocket, on fakes: grammar, order, cancelling, limits."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from starlette.testclient import WebSocketDenialResponse, WebSocketTestSession
from starlette.websockets import WebSocketDisconnect
from tests.server.fakes import FakeSource, fake_services, with_settings

from intone.core.seeds import derived_seed
from intone.server.admission import NO_LIMITS
from intone.server.app import create_app
from intone.server.keys import KeyFile
from intone.server.sections import LimitsSection, LiveSection, ServerSection
from intone.server.services import Services

PATH = "/v1/audio/speech/stream"
FRAME_BYTES = 1920 * 2
MAX_WAIT_S = 5.0

Message = dict[str, Any] | bytes


@pytest.fixture
def source() -> FakeSource:
    return FakeSource()


@pytest.fixture
def services(tmp_path: Path, source: FakeSource) -> Services:
    return fake_services(tmp_path, source)


@pytest.fixture
def client(services: Services) -> TestClient:
    return TestClient(create_app(services))


def text(words: str) -> dict[str, Any]:
    return {"type": "input.text", "text": words}


def config(**values: Any) -> dict[str, Any]:
    return {"type": "session.config", **values}


DONE = {"type": "input.done"}


def received(socket: WebSocketTestSession) -> Message:
    message = socket.receive()
    if message["type"] == "websocket.close":
        raise WebSocketDisconnect(message["code"], message.get("reason"))
    if message.get("bytes") is not None:
        return bytes(message["bytes"])
    return dict(json.loads(message["text"]))


def until(socket: WebSocketTestSession, kind: str) -> list[Message]:
    """Returns messages up to the first event of a type, that one included."""
    messages: list[Message] = []
    while True:
        messages.append(received(socket))
        if isinstance(messages[-1], dict) and messages[-1]["type"] == kind:
            return messages


def events(messages: list[Message]) -> list[str]:
    return [message["type"] for message in messages if isinstance(message, dict)]


def sound(messages: list[Message]) -> bytes:
    return b"".join(message for message in messages if isinstance(message, bytes))


def say(client: TestClient, *sent: dict[str, Any], ends: str = "session.done") -> list[Message]:
    with client.websocket_connect(PATH) as socket:
        for event in sent:
            socket.send_json(event)
        return until(socket, ends)


def wait_until(is_so: Callable[[], bool]) -> None:
    until_s = time.monotonic() + MAX_WAIT_S
    while not is_so():
        assert time.monotonic() < until_s, "it did not happen"
        time.sleep(0.005)


def test_a_sentence_is_spoken_while_the_text_goes_on(client: TestClient) -> None:
    with client.websocket_connect(PATH) as socket:
        socket.send_json(config(voice="vivian", seed=5))
        socket.send_json(text("Hello there. How are"))
        first = until(socket, "segment.done")
        assert events(first) == ["session.created", "audio.start", "segment.start", "segment.done"]
        assert first[2]["text"] == "Hello there."
        assert len(sound(first)) > FRAME_BYTES
        socket.send_json(text(" you?"))
        socket.send_json(DONE)
        rest = until(socket, "session.done")
        assert events(rest) == ["segment.start", "segment.done", "audio.done", "session.done"]
        assert rest[-2]["finish_reason"] == "stop"
        assert rest[-2]["seed"] == 5
        assert rest[-2]["segments"] == 2
        with pytest.raises(WebSocketDisconnect) as closed:
            received(socket)
        assert closed.value.code == 1000


def test_duration_and_bytes_agree(client: TestClient) -> None:
    messages = say(client, config(seed=1), text("One. Two. Three and four."), DONE)
    done = messages[-2]
    assert done["duration_s"] == pytest.approx(len(sound(messages)) / 2 / 24_000, abs=0.001)


def test_takes_have_one_voice_and_seeds_that_follow(client: TestClient, source: FakeSource) -> None:
    say(client, config(voice="vivian", seed=5), text("Hello there. How are you?"), DONE)
    requests = source.counts["fake-custom"].requests
    assert [request.seed for request in requests] == [5, derived_seed(5, "take", 1)]
    assert {request.voice for request in requests} == {"vivian"}


def test_the_same_text_in_other_pieces_is_the_same_sound(client: TestClient) -> None:
    words = "Hello there. How are you? Fine."
    whole = say(client, config(seed=5), text(words), DONE)
    pieces = say(client, config(seed=5), *(text(character) for character in words), DONE)
    assert sound(whole) == sound(pieces)


def test_figures_are_written_out_sentence_by_sentence(
    client: TestClient, source: FakeSource
) -> None:
    pytest.importorskip("num2words")
    words = text("It costs 3.50. Not 12.")
    messages = say(client, config(language="en", normalise="on"), words, DONE)
    starts = [m["text"] for m in messages if isinstance(m, dict) and m["type"] == "segment.start"]
    assert starts == ["It costs 3.50.", "Not 12."]
    said = [request.text for request in source.counts["fake-custom"].requests]
    assert said == ["It costs three point five zero.", "Not twelve."]


def test_max_frames_holds_for_the_whole_text(client: TestClient, source: FakeSource) -> None:
    messages = say(client, config(max_frames=5), text("One two. Three four. Five six."), DONE)
    assert messages[-2]["finish_reason"] == "length"
    assert source.counts["fake-custom"].frames_made == 5


def test_no_config_speaks_with_the_servers_defaults(client: TestClient) -> None:
    messages = say(client, text("Hello."), DONE)
    assert messages[0]["type"] == "session.created"
    assert messages[0]["model"] == "fake-custom"


def test_base64_comes_in_events_and_wav_has_a_header(client: TestClient) -> None:
    messages = say(client, config(audio="base64", format="wav", seed=1), text("Hello."), DONE)
    assert not sound(messages)
    parts = [m["audio"] for m in messages if isinstance(m, dict) and m["type"] == "audio.delta"]
    data = b"".join(base64.b64decode(part) for part in parts)
    assert data[:4] == b"RIFF"
    plain = say(client, config(seed=1), text("Hello."), DONE)
    assert data[44:] == sound(plain)


def test_mp3_leaves_while_the_text_goes_on(client: TestClient) -> None:
    pytest.importorskip("av")
    with client.websocket_connect(PATH) as socket:
        socket.send_json(config(format="mp3"))
        socket.send_json(text("A long first sentence, of many words and some more. And so"))
        assert sound(until(socket, "segment.done"))


def test_a_flush_speaks_what_is_there(client: TestClient) -> None:
    with client.websocket_connect(PATH) as socket:
        socket.send_json(text("Hello"))
        socket.send_json({"type": "input.flush"})
        assert until(socket, "segment.done")[2]["text"] == "Hello"


def test_words_that_wait_too_long_are_spoken(client: TestClient) -> None:
    with client.websocket_connect(PATH) as socket:
        socket.send_json(config(max_delay_s=0.05))
        socket.send_json(text("Hello and"))
        assert until(socket, "segment.done")[2]["text"] == "Hello"


def test_token_mode_speaks_before_the_sentence_is_complete(
    client: TestClient, source: FakeSource
) -> None:
    with client.websocket_connect(PATH) as socket:
        socket.send_json(config(mode="token", seed=3))
        socket.send_json(text("Hello there you "))
        begun = until(socket, "segment.start")
        assert begun[-1]["text"] is None
        assert isinstance(received(socket), bytes)
        socket.send_json(text("and all the others."))
        socket.send_json(DONE)
        rest = until(socket, "session.done")
        assert rest[-2]["finish_reason"] == "stop"
        assert rest[-2]["segments"] == 1
    assert source.counts["fake-custom"].takes == 1


def test_a_session_that_is_kept_open_speaks_text_after_text(client: TestClient) -> None:
    with client.websocket_connect(PATH) as socket:
        socket.send_json(config(keep_open=True))
        for words in ("One.", "Two."):
            socket.send_json(text(words))
            socket.send_json(DONE)
            assert "audio.start" in events(until(socket, "audio.done"))
        socket.send_json({"type": "session.close"})
        assert events(until(socket, "session.done")) == ["session.done"]


def make_endless(source: FakeSource) -> None:
    behaviour = source.behaviours["fake-custom"]
    behaviour.frame_s, behaviour.num_frames = 0.02, lambda request: 100_000


@pytest.mark.parametrize("mode", ["sentence", "token"])
def test_cancel_stops_the_take_within_two_frames_and_the_next_text_speaks(
    client: TestClient, source: FakeSource, mode: str
) -> None:
    make_endless(source)
    counts = source.counts["fake-custom"]
    with client.websocket_connect(PATH) as socket:
        socket.send_json(config(keep_open=True, mode=mode))
        socket.send_json(text("Hello there, all of you who listen. And"))
        while not isinstance(received(socket), bytes):
            pass
        before = counts.frames_made
        socket.send_json({"type": "input.cancel"})
        done = until(socket, "audio.done")[-1]
        assert done["finish_reason"] == "cancelled"
        assert counts.frames_made <= before + 2 + 1  # one may have been on its way
        made = counts.frames_made
        time.sleep(0.1)
        assert counts.frames_made == made
        assert counts.cancellations == 1
        source.behaviours["fake-custom"].num_frames = lambda request: 2
        socket.send_json(text("Next."))
        socket.send_json(DONE)
        assert until(socket, "audio.done")[-1]["finish_reason"] == "stop"


@pytest.mark.parametrize("mode", ["sentence", "token"])
def test_a_client_that_leaves_stops_the_take_and_frees_its_place(
    client: TestClient, services: Services, source: FakeSource, mode: str
) -> None:
    make_endless(source)
    counts = source.counts["fake-custom"]
    with client.websocket_connect(PATH) as socket:
        socket.send_json(config(mode=mode))
        socket.send_json(text("Hello there, all of you who listen. And"))
        while not isinstance(received(socket), bytes):
            pass
        before = counts.frames_made
    wait_until(lambda: counts.cancellations == 1)
    assert counts.frames_made <= before + 3
    wait_until(lambda: services.admission.state().num_running == 0)


def test_an_error_of_the_model_ends_its_text_alone(client: TestClient, source: FakeSource) -> None:
    source.behaviours["fake-custom"].fail_at_frame = 1
    with client.websocket_connect(PATH) as socket:
        socket.send_json(config(keep_open=True))
        socket.send_json(text("Hello there."))
        socket.send_json(DONE)
        error = until(socket, "error")[-1]["error"]
        assert error["code"] == "internal_error"
        assert "secret" not in error["message"]
        source.behaviours["fake-custom"].fail_at_frame = None
        socket.send_json(text("Hello there."))
        socket.send_json(DONE)
        assert until(socket, "audio.done")[-1]["finish_reason"] == "stop"


def code_and_close(client: TestClient, *sent: dict[str, Any] | str | bytes) -> tuple[str, int]:
    with client.websocket_connect(PATH) as socket:
        for message in sent:
            if isinstance(message, bytes):
                socket.send_bytes(message)
            elif isinstance(message, str):
                socket.send_text(message)
            else:
                socket.send_json(message)
        error = until(socket, "error")[-1]["error"]
        with pytest.raises(WebSocketDisconnect) as closed:
            received(socket)
    return error["code"], closed.value.code


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ([{"type": "input.txt", "text": "a"}], "invalid_event"),
        ([{"type": "input.text", "text": "a", "more": 1}], "invalid_event"),
        ([{"type": "input.text", "text": 7}], "invalid_event"),
        (["{"], "invalid_event"),
        (["[" * 20_000], "invalid_event"),
        ([b"\x00"], "invalid_event"),
        (['{"type": "input.text", "text": "\\ud800"}'], "invalid_event"),
        ([config(voice="nobody")], "unknown_voice"),
        ([config(model="none/such")], "model_not_found"),
        ([config(speed=99)], "invalid_event"),
        ([config(), config()], "config_too_late"),
        ([config(model="fake-design")], "unsupported_mode"),
        ([config(mode="token", normalise="on")], "invalid_value"),
        ([DONE], "empty_text"),
        ([text("Hello."), DONE, text("more")], "text_after_done"),
        ([text("a" * 70_000)], "message_too_large"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(
    client: TestClient, sent: list[Any], code: str, source: FakeSource
) -> None:
    source.behaviours["fake-custom"].frame_s = 0.02
    assert code_and_close(client, *sent) == (code, 1008)


def test_a_text_that_grows_too_long_is_refused(services: Services) -> None:
    few = with_settings(services, limits=LimitsSection(text_characters=20))
    client = TestClient(create_app(few))
    assert code_and_close(client, text("a" * 15), text("b" * 6))[0] == "text_too_long"


def test_a_silent_session_is_closed(services: Services) -> None:
    quick = with_settings(services, live=LiveSection(idle_s=0.05))
    assert code_and_close(TestClient(create_app(quick)), config())[0] == "idle"


def test_a_long_session_is_closed(services: Services) -> None:
    quick = with_settings(services, live=LiveSection(session_s=0.05))
    assert code_and_close(TestClient(create_app(quick)), config())[0] == "session_too_long"


@pytest.mark.parametrize("mode", ["sentence", "token"])
def test_a_writer_who_stops_writing_is_told_and_heard_to_the_end(
    services: Services, mode: str
) -> None:
    quick = with_settings(services, live=LiveSection(starved_s=0.05))
    client = TestClient(create_app(quick))
    messages = say(client, config(mode=mode, seed=1), text("Hello there. And so on"))
    kinds = events(messages)
    assert kinds[-3:] == ["error", "audio.done", "session.done"]
    assert messages[-3]["error"]["code"] == "text_timeout"
    assert sound(messages)


def test_a_key_is_asked_for_before_the_socket_opens(services: Services, tmp_path: Path) -> None:
    token = KeyFile(tmp_path / "keys.json").add("someone", NO_LIMITS)
    client = TestClient(create_app(services))
    with pytest.raises(WebSocketDenialResponse) as refused, client.websocket_connect(PATH):
        pass
    assert refused.value.status_code == 401
    bearer = {"authorization": f"Bearer {token}"}
    with client.websocket_connect(PATH, headers=bearer) as socket:
        socket.send_json(config())
        assert received(socket)["type"] == "session.created"
    with client.websocket_connect(PATH, subprotocols=["intone", f"intone-key.{token}"]) as socket:
        assert socket.accepted_subprotocol == "intone"


@pytest.mark.parametrize(
    ("origin", "is_open"),
    [("https://evil.example", False), ("https://good.example", True), ("http://testserver", True)],
)
def test_web_pages_of_others_cannot_connect(services: Services, origin: str, is_open: bool) -> None:
    listed = ServerSection(cors_origins=("https://good.example",))
    client = TestClient(create_app(with_settings(services, server=listed)))
    headers = {"origin": origin}
    if is_open:
        with client.websocket_connect(PATH, headers=headers) as socket:
            socket.send_json(config())
            assert received(socket)["type"] == "session.created"
        return
    with (
        pytest.raises(WebSocketDenialResponse) as refused,
        client.websocket_connect(PATH, headers=headers),
    ):
        pass
    assert refused.value.status_code == 403


def test_sessions_are_counted_as_requests(client: TestClient, services: Services) -> None:
    say(client, text("Hello."), DONE)
    figures = services.metrics.text().decode()
    assert 'intone_ttfa_seconds_count{route="/v1/audio/speech/stream"} 1.0' in figures
    assert 'finish_reason="stop",route="/v1/audio/speech/stream"' in figures


def test_idle_sessions_end_when_the_server_drains(client: TestClient, services: Services) -> None:
    with client.websocket_connect(PATH) as socket:
        socket.send_json(config(keep_open=True))
        received(socket)
        services.lifecycle.drain()
        assert until(socket, "error")[-1]["error"]["code"] == "stopping"
