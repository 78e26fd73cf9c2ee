"""`GET /v1/models`."""

from __future__ import annotations

from pathlib import Path

from fastapi.testclient import TestClient
from tests.server.fakes import FakeSource, abilities, fake_services

from intone.server.app import create_app


def test_models_are_listed_with_what_they_can_do_and_nothing_is_loaded(tmp_path: Path) -> None:
    source = FakeSource()
    with TestClient(create_app(fake_services(tmp_path, source))) as client:
        body = client.get("/v1/models").json()
        assert body["object"] == "list"
        assert [one["id"] for one in body["data"]] == ["fake-custom", "fake-base", "fake-design"]
        first = body["data"][0]
        assert first["voices"] == ["ryan", "vivian", "aiden", "serena"]
        assert (first["is_default"], first["is_loaded"], first["kind"]) == (True, False, "custom")
        assert not source.opened
        client.post("/v1/audio/speech", json={"input": "Hello."})
        assert client.get("/v1/models/fake-custom").json()["status"] == "ready"


def test_a_model_is_found_by_id_even_with_a_slash_and_by_openais_names(tmp_path: Path) -> None:
    source = FakeSource((abilities("Qwen/Some-Model"),))
    with TestClient(create_app(fake_services(tmp_path, source))) as client:
        assert client.get("/v1/models/Qwen/Some-Model").json()["id"] == "Qwen/Some-Model"
        assert client.get("/v1/models/tts-1").json()["id"] == "Qwen/Some-Model"
        missing = client.get("/v1/models/nothing")
    assert missing.status_code == 404
    assert missing.json()["error"]["code"] == "model_not_found"
