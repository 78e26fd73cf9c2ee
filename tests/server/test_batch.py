"""Several texts in one request, on fake models."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import soundfile
from fastapi.testclient import TestClient
from tests.server.fakes import FakeSource, fake_services

from intone.server.app import create_app
from intone.server.batch import AT_ONCE, MAX_ITEMS
from intone.server.settings import Settings

BATCH = "/v1/audio/batch"


@pytest.fixture
def source() -> FakeSource:
    return FakeSource()


@pytest.fixture
def client(tmp_path: Path, source: FakeSource) -> Iterator[TestClient]:
    with TestClient(create_app(fake_services(tmp_path, source))) as client:
        yield client


def spoken(client: TestClient, items: list[dict[str, Any]], **shared: object) -> list[Any]:
    answer = client.post(BATCH, json={"items": items} | shared)
    assert answer.status_code == 200, answer.text
    results: list[Any] = answer.json()["results"]
    assert [one["index"] for one in results] == list(range(len(items)))
    return results


def sound(result: dict[str, Any]) -> bytes:
    return base64.b64decode(result["audio"])


def test_items_come_back_in_order_each_with_its_sound_and_seed(client: TestClient) -> None:
    items = [{"input": "A text. " * (9 - n), "seed": n} for n in range(8)]
    results = spoken(client, items, voice="vivian")
    assert [one["seed"] for one in results] == list(range(8))
    lengths = [len(soundfile.read(io.BytesIO(sound(one)))[0]) for one in results]
    assert lengths == sorted(lengths, reverse=True)
    assert {(one["status"], one["voice"], one["finish_reason"]) for one in results} == {
        (200, "vivian", "stop")
    }


def test_an_item_says_otherwise_than_the_batch(client: TestClient, source: FakeSource) -> None:
    spoken(
        client,
        [{"input": "One."}, {"input": "Two.", "voice": "ryan", "response_format": "flac"}],
        voice="vivian",
        seed=3,
    )
    asked = {one.text: one for one in source.counts["fake-custom"].requests}
    assert (asked["One."].voice, asked["Two."].voice) == ("vivian", "ryan")
    assert {one.seed for one in asked.values()} == {3}


def test_the_same_item_sounds_as_the_speech_route_has_it(client: TestClient) -> None:
    item = {"input": "It was late.", "seed": 7, "voice": "ryan", "response_format": "wav"}
    alone = client.post("/v1/audio/speech", json=item | {"stream": False})
    assert alone.status_code == 200, alone.text
    together = spoken(client, [item, item | {"input": "Another one."}])
    assert sound(together[0]) == alone.content


def test_an_item_that_fails_ends_no_other(client: TestClient, source: FakeSource) -> None:
    results = spoken(
        client,
        [
            {"input": "Good."},
            {"input": "Bad.", "voice": "nobody"},
            {"input": "* * *"},
            {"input": "Words of no clip.", "ref_text": "Hello."},
            {"input": "Good too."},
        ],
    )
    assert [one["status"] for one in results] == [200, 400, 400, 400, 200]
    assert "nobody" in results[1]["error"]["message"]
    assert results[1]["error"]["code"] == "unknown_voice"


def test_an_item_that_crashes_ends_no_other_and_tells_nothing(
    client: TestClient, source: FakeSource
) -> None:
    source.behaviours["fake-custom"].fail_at_frame = 4
    results = spoken(client, [{"input": "Short."}, {"input": "This one is longer. " * 3}])
    assert [one["status"] for one in results] == [200, 500]
    assert "secret" not in str(results)


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"items": []}, "items"),
        ({"items": [{"input": "x"}] * (MAX_ITEMS + 1)}, "items"),
        ({"items": [{"input": "x", "stream": True}]}, "stream"),
        ({"items": [{"voice": "ryan"}]}, "input"),
        ({"items": "x"}, "items"),
        ({}, "items"),
    ],
)
def test_a_body_that_is_none_is_refused(client: TestClient, body: object, word: str) -> None:
    answer = client.post(BATCH, json=body)
    assert answer.status_code == 400, answer.text
    assert word in answer.json()["error"]["message"]


def test_the_texts_together_have_the_limit_of_one_request(client: TestClient) -> None:
    answer = client.post(BATCH, json={"items": [{"input": "word " * 1_001}] * 2})
    assert answer.status_code == 413


def test_a_batch_takes_a_part_of_the_server(tmp_path: Path) -> None:
    source = FakeSource()
    services = fake_services(tmp_path, source, Settings())
    most = 0

    def frames(request: object) -> int:
        nonlocal most
        most = max(most, services.admission.state().num_running)
        return 5

    source.behaviours["fake-custom"].num_frames = frames
    source.behaviours["fake-custom"].frame_s = 0.001
    with TestClient(create_app(services)) as client:
        spoken(client, [{"input": f"Text {n}."} for n in range(12)])
    assert most == AT_ONCE
