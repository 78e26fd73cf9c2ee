"""The official `openai` package, as its documentation uses it."""

from __future__ import annotations

import io
from dataclasses import replace

import av
import numpy as np
import openai
import pytest
import soundfile
from openai import OpenAI
from tests.server.contract.conftest import StartServer
from tests.server.fakes import FakeSource

from intone.server.admission import Admission, KeyLimits
from intone.server.key_ring import KeyRing
from intone.server.keys import KeyFile
from intone.server.services import Services

TEXT = "The quick brown fox."


def decoded(sound: bytes) -> tuple[np.ndarray, int]:
    if sound[:4] == b"fLaC":  # a stream says no length, and libsndfile wants one of flac
        with av.open(io.BytesIO(sound)) as file:
            parts = [frame.to_ndarray()[0] / 32_768 for frame in file.decode(audio=0)]
            return np.concatenate(parts), file.streams.audio[0].rate
    return soundfile.read(io.BytesIO(sound))


@pytest.mark.parametrize("response_format", ["wav", "flac", "mp3", "opus"])
def test_a_whole_answer_is_a_file_of_that_format(openai: OpenAI, response_format: str) -> None:
    answer = openai.audio.speech.create(
        model="tts-1", voice="alloy", input=TEXT, response_format=response_format
    )
    samples, _ = decoded(answer.read())

    assert np.abs(samples).max() > 0.1


def test_pcm_is_16_bit_at_24_khz(openai: OpenAI) -> None:
    arguments = {"model": "tts-1", "voice": "alloy", "input": TEXT, "extra_body": {"seed": 3}}
    pcm = openai.audio.speech.create(**arguments, response_format="pcm").read()
    samples, rate_hz = decoded(
        openai.audio.speech.create(**arguments, response_format="wav").read()
    )

    assert rate_hz == 24_000
    assert np.allclose(np.frombuffer(pcm, "<i2") / 32768, samples, atol=1e-4)


def test_a_file_is_written_while_it_arrives(openai: OpenAI, tmp_path) -> None:  # type: ignore[no-untyped-def]
    with openai.audio.speech.with_streaming_response.create(
        model="gpt-4o-mini-tts",
        voice="coral",
        input=TEXT,
        instructions="Speak in a cheerful tone.",
        response_format="wav",
    ) as answer:
        assert answer.headers["x-request-id"]
        answer.stream_to_file(tmp_path / "speech.wav")
    samples, _ = decoded((tmp_path / "speech.wav").read_bytes())

    assert len(samples) > 24_000 * 0.2


def test_the_first_bytes_come_before_the_last_frame_is_made(
    start: StartServer, new_services: Services
) -> None:
    source = new_services.source
    assert isinstance(source, FakeSource)
    source.behaviours["fake-custom"].frame_s = 0.01
    source.behaviours["fake-custom"].num_frames = lambda request: 60
    client = OpenAI(base_url=f"{start(new_services)}/v1", api_key="none", max_retries=0)

    with client.audio.speech.with_streaming_response.create(
        model="tts-1", voice="alloy", input=TEXT, response_format="pcm"
    ) as answer:
        chunks = answer.iter_bytes(1_024)
        next(chunks)
        made_at_first = source.frames_made
        rest = sum(map(len, chunks))
    client.close()

    assert made_at_first < 40
    assert rest + 1_024 == 60 * 1_920 * 2


def test_events_carry_the_sound_and_the_end(openai: OpenAI) -> None:
    with openai.audio.speech.with_streaming_response.create(
        model="tts-1", voice="alloy", input=TEXT, response_format="pcm", stream_format="sse"
    ) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = [line for line in answer.iter_lines() if line.startswith("data:")]

    assert '"speech.audio.delta"' in lines[0]
    assert any('"speech.audio.done"' in line for line in lines)


def test_an_unknown_voice_is_a_bad_request_that_names_it(openai: OpenAI) -> None:
    with pytest.raises(openai_error("BadRequestError")) as told:
        openai.audio.speech.create(model="tts-1", voice="nobody-at-all", input=TEXT)

    assert told.value.param == "voice"
    assert "nobody-at-all" in str(told.value)


def test_an_unknown_field_is_refused_by_name(openai: OpenAI) -> None:
    with pytest.raises(openai_error("BadRequestError"), match="shout") as told:
        openai.audio.speech.create(
            model="tts-1", voice="alloy", input=TEXT, extra_body={"shout": True}
        )

    assert told.value.param == "shout"


def test_an_unknown_model_is_not_found(openai: OpenAI) -> None:
    with pytest.raises(openai_error("NotFoundError")):
        openai.audio.speech.create(model="no-such-model", voice="alloy", input=TEXT)


def test_models_are_listed_and_found(openai: OpenAI) -> None:
    names = [model.id for model in openai.models.list()]

    assert "fake-custom" in names
    assert openai.models.retrieve("fake-custom").object == "model"


def test_a_key_is_asked_for(start: StartServer, new_services: Services, tmp_path) -> None:  # type: ignore[no-untyped-def]
    file = KeyFile(tmp_path / "made.json")
    token = file.add("app", KeyLimits())
    url = start(replace(new_services, keys=KeyRing(file)))

    with OpenAI(base_url=f"{url}/v1", api_key=token, max_retries=0) as known:
        assert known.audio.speech.create(model="tts-1", voice="alloy", input=TEXT).read()
    with (
        OpenAI(base_url=f"{url}/v1", api_key="wrong", max_retries=0) as stranger,
        pytest.raises(openai_error("AuthenticationError")),
    ):
        stranger.models.list()


def test_a_rate_limit_is_a_rate_limit_error_with_a_time(
    start: StartServer, new_services: Services
) -> None:
    admission = Admission(
        max_running=2,
        max_waiting=2,
        max_wait_s=1.0,
        clock=new_services.clock,
        limits_of=lambda _: KeyLimits(requests_per_minute=1),
    )
    url = start(replace(new_services, admission=admission))

    with OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client:
        client.audio.speech.create(model="tts-1", voice="alloy", input=TEXT)
        with pytest.raises(openai_error("RateLimitError")) as told:
            client.audio.speech.create(model="tts-1", voice="alloy", input=TEXT)

    assert float(told.value.response.headers["retry-after"]) > 0


def openai_error(name: str) -> type[openai.APIStatusError]:
    return {
        "AuthenticationError": openai.AuthenticationError,
        "BadRequestError": openai.BadRequestError,
        "NotFoundError": openai.NotFoundError,
        "RateLimitError": openai.RateLimitError,
    }[name]
