"""Health: red while an engine is down, green again by itself; a load does not make it red."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from tests.server.fakes import FakeSource, fake_services, with_settings

from intone.core.errors import CheckpointError
from intone.server.app import create_app
from intone.server.sections import ModelSection, ServerSection
from intone.server.serving import serve

HELLO = {"input": "Hello.", "voice": "ryan", "response_format": "pcm"}
SPEECH = "/v1/audio/speech"


def test_a_dead_engine_turns_ready_red_and_the_next_request_finds_a_new_one(
    tmp_path: Path,
) -> None:
    source = FakeSource()
    with TestClient(create_app(fake_services(tmp_path, source))) as client:
        assert client.post(SPEECH, json=HELLO).status_code == 200
        source.behaviours["fake-custom"].load_s = 0.3
        source.opened[0].die()
        died = client.post(SPEECH, json=HELLO)
        red = client.get("/readyz")

        assert (died.status_code, died.json()["error"]["code"]) == (503, "restarting")
        assert "retry-after" in died.headers
        assert red.status_code == 503
        assert "fake-custom" in red.json()["error"]
        assert client.get("/healthz").status_code == 200
        assert client.post(SPEECH, json=HELLO).status_code == 200
        assert client.get("/readyz").json() == {"ready": True}
        assert source.opened[0].is_closed


def test_an_engine_that_cannot_be_restarted_asks_for_a_new_process(tmp_path: Path) -> None:
    source = FakeSource()
    with TestClient(create_app(fake_services(tmp_path, source))) as client:
        client.post(SPEECH, json=HELLO)
        source.behaviours["fake-custom"].load_error = lambda: CheckpointError("/x is torn.")
        source.opened[0].die()
        client.post(SPEECH, json=HELLO)
        _wait_for(lambda: client.get("/healthz").status_code == 503)

        assert client.get("/healthz").json()["ok"] is False
        assert "could not be restarted" in client.get("/readyz").json()["error"]
        source.behaviours["fake-custom"].load_error = None
        assert client.post(SPEECH, json=HELLO).status_code == 200
        assert client.get("/healthz").json()["ok"] is True


def test_preloading_says_ready_when_the_model_is_there(tmp_path: Path) -> None:
    source = FakeSource()
    source.behaviours["fake-custom"].load_s = 0.2
    services = with_settings(fake_services(tmp_path, source), model=ModelSection(preload=True))
    services.lifecycle.phase = "starting"
    with TestClient(create_app(services)) as client:
        before = client.get("/readyz").status_code
        _wait_for(lambda: client.get("/readyz").status_code == 200)

        assert before == 503
        assert source.counts["fake-custom"].loads == 1


def test_a_default_that_cannot_be_loaded_first_ends_the_process(tmp_path: Path) -> None:
    source = FakeSource()
    source.behaviours["fake-custom"].load_error = lambda: CheckpointError("/x is torn.")
    services = with_settings(
        fake_services(tmp_path, source),
        model=ModelSection(preload=True),
        server=ServerSection(port=0),
    )
    with pytest.raises(CheckpointError, match="is torn"):
        serve(services)


def _wait_for(holds: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 3
    while not holds():
        assert time.monotonic() < deadline_s
        time.sleep(0.02)
