"""A replica as Ray starts and asks it, with fake models and no cluster."""

from __future__ import annotations

import asyncio
import time
import warnings
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.server.fakes import FakeSource, fake_services

from intone.core.errors import CheckpointError, EngineStoppedError, InvalidSettingError
from intone.server.settings import Settings

SPEECH = "/v1/audio/speech"
HELLO = {"input": "Hello.", "voice": "ryan", "response_format": "pcm"}
FAKE = {"model": {"default": "fake-custom"}}
OPEN = FAKE | {"server": {"insecure": True, "log_level": "error"}}

Start = Callable[..., Coroutine[Any, Any, Any]]


@pytest.fixture
def source() -> FakeSource:
    return FakeSource()


@pytest.fixture
def start(source: FakeSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Start:
    """Returns what starts a replica over the fake models."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Ray's, while it is imported
        from intone.deploy.ray import replica as module

    def services(settings: Settings, _: object) -> object:
        return fake_services(tmp_path, source, settings)

    monkeypatch.setattr(module, "make_services", services)
    monkeypatch.setattr(module, "ModelsHere", lambda section, environ: source)

    async def start(args: dict[str, Any] = OPEN) -> Any:
        replica = module.Replica.__new__(module.Replica)
        await module.Replica.__init__(replica, args)
        return replica

    return start


def test_it_is_there_when_its_model_is_loaded_however_long_that_takes(
    start: Start, source: FakeSource
) -> None:
    source.behaviours["fake-custom"].load_s = 0.2
    replica = asyncio.run(start(OPEN | {"model": {"default": "fake-custom", "load_wait_s": 0.05}}))

    assert source.counts["fake-custom"].loads == 1
    replica.check_health()


def test_a_model_that_cannot_be_loaded_ends_the_start(start: Start, source: FakeSource) -> None:
    source.behaviours["fake-custom"].load_error = lambda: CheckpointError("it is torn.")

    with pytest.raises(CheckpointError, match="torn"):
        asyncio.run(start())


def test_without_keys_it_does_not_start_unasked(start: Start) -> None:
    with pytest.raises(InvalidSettingError, match="intone keys add NAME"):
        asyncio.run(start(FAKE | {"server": {"log_level": "error"}}))


def test_an_engine_that_stays_dead_asks_ray_for_a_new_replica(
    start: Start, source: FakeSource
) -> None:
    replica = asyncio.run(start())
    with TestClient(replica.__serve_build_asgi_app__()) as client:
        assert client.post(SPEECH, json=HELLO).status_code == 200
        replica.check_health()
        source.behaviours["fake-custom"].load_error = lambda: CheckpointError("it is torn.")
        source.opened[-1].die()
        client.post(SPEECH, json=HELLO)
        until_s = time.monotonic() + 5
        while client.get("/healthz").status_code == 200:
            assert time.monotonic() < until_s

        with pytest.raises(EngineStoppedError, match="could not be restarted"):
            replica.check_health()


def test_its_end_closes_the_model(start: Start, source: FakeSource) -> None:
    async def live_and_end() -> bool:
        app = (await start()).__serve_build_asgi_app__()
        async with app.router.lifespan_context(app):
            return source.opened[-1].is_closed

    assert not asyncio.run(live_and_end())
    assert all(model.is_closed for model in source.opened)
