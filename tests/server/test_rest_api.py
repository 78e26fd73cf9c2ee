"""Founding document 004, as its clients call it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile
from fastapi.testclient import TestClient
from tests.server.fakes import FakeSource, fake_services

from intone.core.errors import CapacityError, CheckpointError
from intone.server.app import create_app

EXAMPLE = {
    "text": "Hello from caladan",
    "language": "English",
    "speaker": "Ryan",
    "instruct": "Speak clearly and warmly",
    "audio_format": "wav",
}


@pytest.fixture
def source() -> FakeSource:
    return FakeSource()


@pytest.fixture
def client(tmp_path: Path, source: FakeSource) -> Iterator[TestClient]:
    with TestClient(create_app(fake_services(tmp_path, source))) as client:
        yield client


def test_its_example_is_a_wav_file(client: TestClient, source: FakeSource) -> None:
    answer = client.post("/api/tts", json=EXAMPLE)
    assert answer.headers["content-type"] == "audio/wav"
    assert soundfile.info(io.BytesIO(answer.content)).samplerate == 24_000
    request = source.counts["fake-custom"].requests[0]
    assert (request.voice, request.language) == ("Ryan", "english")
    assert request.instruct == "Speak clearly and warmly"


def test_ogg_is_vorbis(client: TestClient) -> None:
    answer = client.post("/api/tts", json={"text": "Hello.", "audio_format": "ogg"})
    assert answer.headers["content-type"] == "audio/ogg"
    assert soundfile.info(io.BytesIO(answer.content)).subtype == "VORBIS"


def test_only_the_text_is_needed_and_empty_words_are_none(
    client: TestClient, source: FakeSource
) -> None:
    body = {"text": "Hello.", "language": "Auto", "speaker": "", "instruct": "", "model": ""}
    assert client.post("/api/tts", json=body).status_code == 200
    request = source.counts["fake-custom"].requests[0]
    assert (request.voice, request.instruct, request.language) == (None, None, "auto")


def test_a_request_may_name_another_model(client: TestClient, source: FakeSource) -> None:
    body = {"text": "Hello.", "model": "fake-design", "instruct": "An old man."}
    assert client.post("/api/tts", json=body).status_code == 200
    assert source.counts["fake-design"].takes == 1


def test_speakers_are_those_of_the_model_and_nothing_is_loaded(
    client: TestClient, source: FakeSource
) -> None:
    presets = ["ryan", "vivian", "aiden", "serena"]
    assert client.get("/speakers").json() == {"speakers": presets}
    assert client.get("/speakers?model=fake-design").json() == {"speakers": []}
    missing = client.get("/speakers?model=none-such")
    assert missing.status_code == 404
    assert "none-such" in missing.json()["detail"]
    assert not source.opened


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"text": ""}, "text"),
        ({"audio_format": "mp3"}, "audio_format"),
        ({"speaker": "Mike"}, "ryan, vivian"),
        ({"volume": 2}, "volume"),
        ({"model": "none-such"}, "none-such"),
    ],
)
def test_errors_come_in_its_shape(client: TestClient, change: dict[str, object], said: str) -> None:
    answer = client.post("/api/tts", json={**EXAMPLE, **change})
    assert 400 <= answer.status_code < 500
    assert list(answer.json()) == ["detail"]
    assert said in answer.json()["detail"]


def test_an_error_while_it_speaks_comes_in_its_shape_too(
    client: TestClient, source: FakeSource
) -> None:
    source.behaviours["fake-custom"].fail_at_frame = 1
    source.behaviours["fake-custom"].error = lambda: CapacityError("full")
    answer = client.post("/api/tts", json=EXAMPLE)
    assert (answer.status_code, answer.json()) == (503, {"detail": "full"})
    assert answer.headers["retry-after"]


def test_health_is_its_own_and_readiness_loads_nothing(
    client: TestClient, source: FakeSource
) -> None:
    health = client.get("/healthz").json()
    assert health["ok"] is True
    assert health["uptime_s"] >= 0
    assert client.get("/readyz").json() == {"ready": True}
    assert not source.opened


def test_a_model_that_cannot_be_loaded_is_an_error_of_the_request(
    client: TestClient, source: FakeSource
) -> None:
    source.behaviours["fake-custom"].load_error = lambda: CheckpointError("truncated at /root/x")
    answer = client.post("/api/tts", json=EXAMPLE)
    assert answer.status_code == 500
    assert "/root" not in answer.text
