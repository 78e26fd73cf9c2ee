"""The whole over HTTP: in every format, as subtitles, as a picture, to its own caller alone."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
import soundfile
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.requests import HTTPConnection
from tests.studio.script.script_desk import KEY, TAB, ScriptDesk

from intone.studio.script.whole_panel import whole_routes


@pytest.fixture
def desk(tmp_path: Path) -> ScriptDesk:
    return ScriptDesk(tmp_path)


def client(desk: ScriptDesk) -> TestClient:
    def who(connection: HTTPConnection) -> str:
        return connection.headers.get("x-key", KEY)

    app = FastAPI()
    app.include_router(whole_routes(desk.sessions, who))
    return TestClient(app)


@pytest.mark.parametrize("ending", ["wav", "mp3", "flac", "ogg"])
def test_the_whole_comes_in_every_format(desk: ScriptDesk, ending: str) -> None:
    whole = desk.rendered().view.whole
    assert whole is not None

    answer = client(desk).get(f"/script/{TAB}/whole.{ending}")

    samples, rate_hz = soundfile.read(io.BytesIO(answer.content))
    assert len(samples) / rate_hz == pytest.approx(whole.duration_s, abs=0.1)
    assert f"{whole.stem}.{ending}" in answer.headers["content-disposition"]


def test_subtitles_have_a_cue_for_every_row(desk: ScriptDesk) -> None:
    desk.rendered()

    srt = client(desk).get(f"/script/{TAB}/whole.srt").text
    vtt = client(desk).get(f"/script/{TAB}/whole.vtt").text

    assert srt.count("-->") == vtt.count("-->") == 3
    assert vtt.startswith("WEBVTT")
    assert "Two is here!" in srt


def test_the_picture_comes(desk: ScriptDesk) -> None:
    desk.rendered("One is here.")

    answer = client(desk).get(f"/script/{TAB}/picture-dark.png")

    assert answer.content.startswith(b"\x89PNG")


def test_other_callers_other_scripts_and_other_formats_get_nothing(desk: ScriptDesk) -> None:
    desk.rendered("One is here.")
    visitor = client(desk)

    assert visitor.get(f"/script/{TAB}/whole.wav", headers={"x-key": "else"}).status_code == 404
    assert visitor.get("/script/not-there-at-all/whole.wav").status_code == 404
    assert visitor.get(f"/script/{TAB}/whole.exe").status_code == 404
