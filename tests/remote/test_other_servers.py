"""`RemoteTTS` against servers of others: plain PCM, their fields, their errors, their failures."""

from __future__ import annotations

import asyncio
import base64
import socket
import time
from collections.abc import Callable
from email.utils import formatdate

import numpy as np
import pytest
from starlette.responses import HTMLResponse, JSONResponse, Response
from tests.remote.fleet import other_server, pcm

from intone.core.constants import SAMPLES_PER_FRAME
from intone.core.errors import (
    CapacityError,
    InvalidSettingError,
    ModelNotFoundError,
    RemoteError,
    RequestError,
    UnsupportedModeError,
)
from intone.core.types import VoiceClonePrompt
from intone.remote import RemoteTTS
from intone.remote.taking import NO_SEED

FRAME = (np.arange(SAMPLES_PER_FRAME) % 100 * 300).astype("<i2").tobytes()
TEXT = "The signal is back."


def envelope(
    status: int, message: str, code: object = None, headers: dict[str, str] | None = None
) -> Callable[[], Response]:
    body = {"error": {"message": message, "type": "x", "param": None, "code": code}}
    return lambda: JSONResponse(body, status_code=status, headers=headers)


def test_plain_pcm_is_a_take_with_frames_counted_from_its_samples() -> None:
    with (
        other_server(pcm(FRAME, FRAME[:1001], FRAME[1001:] + FRAME)) as (url, _),
        RemoteTTS(url + "/v1/") as remote,
    ):
        chunks = list(remote.stream(TEXT))

    assert sum(chunk.num_frames for chunk in chunks) == 3
    assert chunks[-1].finish_reason == "stop"
    samples = np.concatenate([chunk.samples for chunk in chunks])
    expected = np.tile(np.frombuffer(FRAME, "<i2"), 3).astype(np.float32) / np.float32(32_767)
    assert np.array_equal(samples, expected)


def test_the_first_chunk_of_plain_pcm_does_not_wait_for_the_rest() -> None:
    with other_server(pcm(FRAME, FRAME, pause_s=0.3)) as (url, _), RemoteTTS(url) as remote:
        chunks = list(remote.stream(TEXT))

    assert chunks[-1].timing.wall_s - chunks[0].timing.wall_s > 0.25


def test_a_used_up_budget_is_told_as_length() -> None:
    with other_server(pcm(FRAME, FRAME)) as (url, server), RemoteTTS(url) as remote:
        assert remote.speak(TEXT, max_frames=2).finish_reason == "length"
        assert remote.speak(TEXT, max_frames=3).finish_reason == "stop"

    assert [body["max_new_tokens"] for body in server.bodies] == [2, 3]


def test_vllm_omni_is_found_out_and_asked_in_its_words() -> None:
    vector = VoiceClonePrompt(x_vector=np.array([0.5, -0.25], np.float32))
    with other_server(pcm(FRAME)) as (url, server), RemoteTTS(url, api_key="k") as remote:
        can = remote.capabilities()
        remote.speak(
            TEXT,
            voice="vivian",
            instruct="warmly",
            language="de",
            seed=5,
            temperature=0.5,
            text_layout="at_once",
        )
        remote.speak(TEXT, voice=vector)
        with pytest.raises(
            InvalidSettingError, match=r"repetition_penalty is 1\.1, which the vllm"
        ):
            remote.speak(TEXT, repetition_penalty=1.1)
        with pytest.raises(InvalidSettingError, match="chunk_frames is 4"):
            remote.speak(TEXT, chunk_frames=4)

    first, second = server.bodies
    assert first == {
        "input": TEXT,
        "response_format": "pcm",
        "stream": True,
        "stream_format": "audio",
        "task_type": "CustomVoice",
        "voice": "vivian",
        "instructions": "warmly",
        "language": "German",
        "seed": 5,
        "extra_params": {"temperature": 0.5},
        "non_streaming_mode": True,
    }
    assert second["task_type"] == "Base"
    assert second["speaker_embedding"] == [0.5, -0.25]
    assert isinstance(second["seed"], int)
    assert server.keys == ["Bearer k", "Bearer k"]
    assert (can.kind, can.size, can.voices) == ("custom", "1.7b", ("vivian", "ryan"))
    assert "german" in can.languages


def test_sglang_omni_is_found_out_and_asked_in_its_words() -> None:
    model = "Qwen/Qwen3-TTS-12Hz-1.7B-VoiceDesign"
    with other_server(pcm(FRAME), owner="sglang-omni", model=model) as (url, server):
        with RemoteTTS(url) as remote:
            remote.speak(TEXT, instruct="An old sailor.", top_k=9, repetition_penalty=1.1)
            with pytest.raises(UnsupportedModeError, match="as an x-vector"):
                remote.speak(TEXT, voice=VoiceClonePrompt(x_vector=np.zeros(4, np.float32)))

    (body,) = server.bodies
    assert body["task_type"] == "VoiceDesign"
    assert (body["top_k"], body["repetition_penalty"]) == (9, 1.1)
    assert body["language"] == "Auto"


def test_openais_own_api_gets_its_own_fields_alone() -> None:
    with other_server(pcm(FRAME), owner="system") as (url, server):
        with RemoteTTS(url, model="gpt-4o-mini-tts") as remote:
            audio = remote.speak(TEXT, voice="alloy", instruct="warmly", speed=1.5)
            for option in ({"seed": 1}, {"language": "german"}, {"top_k": 5}, {"max_frames": 9}):
                with pytest.raises(InvalidSettingError, match="the openai API cannot carry"):
                    remote.speak(TEXT, **option)  # type: ignore[arg-type]
        with RemoteTTS(url) as remote, pytest.raises(InvalidSettingError, match="model is None"):
            remote.speak(TEXT)

    assert server.bodies == [
        {
            "input": TEXT,
            "response_format": "pcm",
            "stream_format": "audio",
            "model": "gpt-4o-mini-tts",
            "voice": "alloy",
            "instructions": "warmly",
            "speed": 1.5,
        }
    ]
    assert audio.seed == NO_SEED


def test_a_server_without_a_list_of_models_can_be_spoken_with() -> None:
    with other_server(pcm(FRAME), owner=None) as (url, server):
        with RemoteTTS(url, dialect="sglang-omni") as remote:
            assert remote.speak(TEXT, seed=3).seed == 3

    assert server.bodies[0]["seed"] == 3


def test_a_clip_is_sent_as_wav_that_others_can_read() -> None:
    clip = np.sin(np.arange(48_000) / 20).astype(np.float32)
    with other_server(pcm(FRAME)) as (url, server), RemoteTTS(url) as remote:
        remote.speak(TEXT, voice=remote.clone((clip, 24_000), "Some words."))

    (body,) = server.bodies
    head, _, data = body["ref_audio"].partition(",")
    assert head == "data:audio/wav;base64"
    assert base64.b64decode(data)[:4] == b"RIFF"
    assert (body["ref_text"], body["task_type"]) == ("Some words.", "Base")


def test_speed_is_made_here_where_a_server_cannot_stream_it() -> None:
    with other_server(pcm(*[FRAME] * 10)) as (url, server), RemoteTTS(url) as remote:
        audio = remote.speak(TEXT, speed=2.0)

    assert "speed" not in server.bodies[0]
    assert len(audio.samples) == 5 * SAMPLES_PER_FRAME


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (pcm(FRAME, b"\x01"), "in the middle of a sample, after 1920"),
        (pcm(), "without any audio"),
        (
            lambda: HTMLResponse("<h1>Welcome</h1>"),
            "answered 200 with text/html; charset=utf-8: '<h1>Welcome",
        ),
        (lambda: HTMLResponse("<h1>Bad Gateway</h1>", 502), "answered 502 with text/html"),
        (lambda: JSONResponse({"ok": True}), "the server answered 200"),
        (envelope(401, "Incorrect API key"), "refused the key .401.: Incorrect API key"),
        (envelope(500, "CUDA error"), "the server answered 500: CUDA error"),
        (lambda: Response(status_code=307, headers={"Location": "/x"}), "answered 307"),
    ],
)
def test_an_answer_that_is_no_take_is_told_in_words(
    answer: Callable[[], Response], words: str
) -> None:
    with (
        other_server(answer) as (url, _),
        RemoteTTS(url) as remote,
        pytest.raises(RemoteError, match=words),
    ):
        remote.speak(TEXT)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (envelope(400, "Invalid speaker 'x'", 400), RequestError),
        (lambda: JSONResponse({"detail": "input is too short"}, 422), RequestError),
        (envelope(404, "no such model", "model_not_found"), ModelNotFoundError),
    ],
)
def test_errors_of_others_are_of_the_tree(
    answer: Callable[[], Response], error: type[Exception]
) -> None:
    with other_server(answer) as (url, server), RemoteTTS(url) as remote:
        with pytest.raises(error, match=r"speaker|short|model"):
            remote.speak(TEXT)

    assert len(server.bodies) == 1  # asked once: asking again would not help


def test_a_stream_that_is_cut_is_no_take() -> None:
    async def broken() -> None:
        async for chunk in remote.astream(TEXT):
            assert len(chunk.samples) == SAMPLES_PER_FRAME

    with other_server(_cut) as (url, _), RemoteTTS(url) as remote:
        stream = remote.stream(TEXT)
        assert next(stream).num_frames == 1
        with pytest.raises(RemoteError, match=r"after 0\.08 s of audio: the connection broke off"):
            next(stream)
        with pytest.raises(RemoteError, match="the connection broke off"):
            asyncio.run(broken())


class _Cut(Response):
    """Says that two frames come, and sends one."""

    async def __call__(self, scope: object, receive: object, send: Callable[..., object]) -> None:  # type: ignore[override]
        headers = [(b"content-type", b"audio/pcm"), (b"content-length", b"7680")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})  # type: ignore[misc]
        await send({"type": "http.response.body", "body": FRAME, "more_body": True})  # type: ignore[misc]
        raise ConnectionResetError


def _cut() -> Response:
    return _Cut()


def test_events_that_end_before_their_last_one_are_no_take() -> None:
    delta = b'data: {"type": "speech.audio.delta", "audio": "AAAA"}\n\n'
    cases = {
        delta: "ended before its last event",
        b"data: [DONE]\n\n": "none of the speech API",
        b'data: {"type": "speech.audio.delta", "audio": "?"}\n\n': "none of the speech API",
    }
    for events, words in cases.items():
        answer = Response(events, media_type="text/event-stream")
        with other_server(lambda answer=answer: answer, owner="intone") as (url, _):  # type: ignore[misc]
            with RemoteTTS(url) as remote, pytest.raises(RemoteError, match=words):
                remote.speak(TEXT)


def test_a_busy_server_is_asked_again_after_the_time_it_says() -> None:
    busy = envelope(503, "busy", headers={"Retry-After": "1"})
    with other_server(busy, pcm(FRAME)) as (url, server), RemoteTTS(url) as remote:
        begun_s = time.monotonic()
        assert remote.speak(TEXT).finish_reason == "stop"

    assert time.monotonic() - begun_s >= 1.0
    first, second = server.bodies
    assert first == second  # the same take, with the same seed


def test_a_task_waits_for_a_busy_server_without_holding_others_up() -> None:
    async def main(remote: RemoteTTS) -> int:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0.02)
                ticks += 1

        ticking = asyncio.create_task(tick())
        chunks = [chunk async for chunk in remote.astream(TEXT)]
        ticking.cancel()
        assert chunks[-1].is_last
        return ticks

    busy = envelope(503, "busy")
    with other_server(busy, pcm(FRAME)) as (url, _), RemoteTTS(url) as remote:
        assert asyncio.run(main(remote)) > 10


def test_a_server_that_stays_busy_is_given_up() -> None:
    busy = envelope(429, "slow down", headers={"Retry-After": "0"})
    with other_server(busy) as (url, server), RemoteTTS(url, num_retries=2) as remote:
        with pytest.raises(CapacityError, match="slow down"):
            remote.speak(TEXT)

    assert len(server.bodies) == 3


def test_a_server_that_wants_minutes_is_not_waited_for() -> None:
    later = formatdate(time.time() + 300, usegmt=True)
    busy = envelope(503, "loading", headers={"Retry-After": later})
    with other_server(busy) as (url, server), RemoteTTS(url) as remote:
        with pytest.raises(CapacityError, match="loading"):
            remote.speak(TEXT)

    assert len(server.bodies) == 1


def test_nobody_at_the_address_is_told_with_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with RemoteTTS(f"http://127.0.0.1:{port}") as remote:
        with pytest.raises(RemoteError, match=rf"127\.0\.0\.1:{port}: no server .*intone serve"):
            remote.speak(TEXT)


def test_a_server_that_says_nothing_is_not_waited_for_forever() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with RemoteTTS(url, timeout_s=0.2) as remote:
            with pytest.raises(RemoteError, match="timeout_s is too short"):
                remote.speak(TEXT)


@pytest.mark.parametrize(
    ("url", "options", "words"),
    [
        ("localhost:8000", {}, "server is 'localhost:8000'; allowed"),
        ("ftp://host", {}, "http://127"),
        ("http://user:secret@host", {}, "key as api_key"),
        ("http://host", {"dialect": "klingon"}, "allowed: intone, openai"),
        ("http://host", {"num_retries": -1}, "num_retries is -1"),
        ("http://host", {"timeout_s": 0}, "timeout_s is 0"),
        ("http://host", {"api_key": "a\nb"}, "characters that no header"),
    ],
)
def test_a_wrong_address_or_setting_is_told_at_once(
    url: str, options: dict[str, object], words: str
) -> None:
    with pytest.raises(InvalidSettingError, match=words) as caught:
        RemoteTTS(url, **options)  # type: ignore[arg-type]
    assert "secret" not in str(caught.value)


def test_a_second_task_does_not_read_again_whom_to_trust(monkeypatch: pytest.MonkeyPatch) -> None:
    async def speak(remote: RemoteTTS) -> None:
        async for _ in remote.astream(TEXT):
            pass

    with other_server(pcm(FRAME)) as (url, _), RemoteTTS(url) as remote:
        monkeypatch.setattr("ssl.create_default_context", None)
        asyncio.run(speak(remote))  # a new client, on a new event loop
