"""`intone studio --server`: the page speaks with a server, and says what it cannot do then."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx2
import numpy as np
import pytest
from fastapi import FastAPI
from tests.remote.fleet import own_services
from tests.server.fakes import FakeSource
from tests.server.serving import serving, serving_app

from intone.cli import main
from intone.cli.remote_source import RemoteSource
from intone.cli.studio_desk import remote_studio_desk
from intone.core.errors import (
    DownloadError,
    ModelNotFoundError,
    UnknownVoiceError,
    UnsupportedModeError,
)
from intone.core.types import SpeechRequest
from intone.deploy.services import make_services
from intone.server.settings import Settings
from intone.studio.desk import Desk
from intone.studio.sound.performances import Performances
from intone.studio.sound.routes import live_routes
from intone.studio.speak.planning import SpeakPlanner

ID = "0123456789abcdef"


@pytest.fixture
def source() -> FakeSource:
    return FakeSource()


@pytest.fixture
def url(source: FakeSource, tmp_path: Path) -> Iterator[str]:
    with serving(own_services(tmp_path / "served", source)) as address:
        yield address


@pytest.fixture
def desk(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """The desk of a studio that speaks with the server."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    settings = Settings.model_validate({"studio": {"takes": str(tmp_path / "takes")}})
    there = RemoteSource(url, None, None)
    desk = remote_studio_desk(make_services(settings, there), there)
    yield desk
    asyncio.run(desk.models.free())
    there.close()


def test_its_models_are_those_of_the_server(desk: Desk, url: str) -> None:
    models = desk.models

    assert models.names() == ("fake-custom", "fake-base", "fake-design")
    assert models.describe("fake-design").kind == "design"
    assert models.for_voice("vivian") == models.for_voice(None) == "fake-custom"
    assert models.for_kind("design") == "fake-design"
    assert models.record("fake-custom").device == models.machine().device == url
    assert models.ear("anonymous", "fake-base") is None
    assert desk.training is None


def test_what_is_not_there_is_said_in_words(desk: Desk, url: str) -> None:
    async def cloned() -> None:
        async with desk.models.lease("anonymous", "fake-base") as model:
            model.clone((np.zeros(24_000, np.float32), 24_000))

    with pytest.raises(UnknownVoiceError, match="import it there"):
        desk.models.for_voice("nobody")
    with pytest.raises(ModelNotFoundError, match="has no model '9b'"):
        desk.models.describe("9b")
    with pytest.raises(DownloadError, match="pull it there"):
        desk.models.pull("0.6b-base")
    with pytest.raises(UnsupportedModeError, match="make the voice there"):
        asyncio.run(cloned())


def test_takes_are_made_there_for_tasks_and_for_threads(desk: Desk, source: FakeSource) -> None:
    request = SpeechRequest(text="Hello.", seed=7)

    async def scene() -> None:
        async with desk.models.lease("anonymous", "fake-custom") as model:
            chunks = [chunk async for chunk in model.astream_request(request)]
        in_thread = desk.models.in_thread("anonymous", "fake-custom")
        audio = await asyncio.to_thread(in_thread.synthesize, request)
        assert np.array_equal(np.concatenate([one.samples for one in chunks]), audio.samples)

    asyncio.run(scene())

    assert source.counts["fake-custom"].takes == 2


def test_the_page_speaks_with_the_server_and_keeps_the_take(
    desk: Desk, url: str, tmp_path: Path
) -> None:
    app = FastAPI()
    app.include_router(live_routes(Performances(desk, SpeakPlanner(desk)), lambda _: "anonymous"))
    with serving_app(app) as page:
        fields = {"text": "Hello.", "voice": "vivian", "seed": "7"}
        answer = httpx2.post(f"{page}/live/{ID}", json=fields)

    assert answer.status_code == 200
    assert len(answer.content) == 3 * 1_920 * 2
    (record,) = (tmp_path / "takes").glob("*.json")
    assert url in record.read_text("utf-8")


def test_nobody_at_the_address_is_told_before_the_page_opens(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    assert main(["studio", "--server", "http://127.0.0.1:9", "--port", "0"]) == 11
    assert "intone serve" in capsys.readouterr().err


def test_options_of_this_machine_are_refused_beside_a_server(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["studio", "--server", "http://127.0.0.1:9", "--dtype", "fp32"]) == 3
    assert "--dtype fp32" in capsys.readouterr().err
