"""Live sound over real sockets: bytes as they are made, and an end when the listener leaves."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import soundfile
from fastapi import FastAPI
from tests.server.serving import serving_app
from tests.studio.speak.speaking_desk import make_desk, models_of, who

from intone.studio.desk import Desk
from intone.studio.sound.performances import Performances
from intone.studio.sound.routes import live_routes
from intone.studio.speak.planning import SpeakPlanner

ID = "0123456789abcdef"
FIELDS = {"text": "Hello there.", "voice": "ava", "seed": "7"}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return make_desk(tmp_path)


@pytest.fixture
def client(desk: Desk) -> Iterator[httpx.Client]:
    app = FastAPI()
    app.include_router(live_routes(Performances(desk, SpeakPlanner(desk)), who))
    with serving_app(app) as address, httpx.Client(base_url=address) as client:
        yield client


def wait_until_cancelled(desk: Desk) -> None:
    deadline_s = time.monotonic() + 3.0
    while not models_of(desk).counts["builtin"].cancellations:
        assert time.monotonic() < deadline_s, "the take goes on"
        time.sleep(0.005)


def test_sound_is_sent_as_pcm_and_can_be_saved_in_every_format(client: httpx.Client) -> None:
    answer = client.post(f"/live/{ID}", json=FIELDS)
    assert answer.headers["content-type"] == "audio/pcm"
    assert answer.headers["cache-control"] == "no-store"
    time.sleep(0.2)  # it is being kept

    for form in ("wav", "mp3", "flac", "ogg"):
        saved = client.get(f"/live/{ID}/speech.{form}")
        samples, rate_hz = soundfile.read(io.BytesIO(saved.content), dtype="int16")
        assert rate_hz == 24_000
        assert abs(samples).max() > 3_000
        assert f".{form}" in saved.headers["content-disposition"]
        if form in ("wav", "flac"):
            assert samples.tobytes() == answer.content


def test_a_listener_who_leaves_ends_the_take(client: httpx.Client, desk: Desk) -> None:
    models = models_of(desk)
    models.behaviour.frame_s, models.behaviour.num_frames = 0.005, lambda request: 10_000
    with client.stream("POST", f"/live/{ID}", json=FIELDS) as answer:
        next(answer.iter_raw())
    wait_until_cancelled(desk)
    made = models.counts["builtin"].frames_made
    time.sleep(0.05)
    assert models.counts["builtin"].frames_made <= made + 1


def test_a_press_of_stop_ends_it_while_the_connection_stays(
    client: httpx.Client, desk: Desk
) -> None:
    models = models_of(desk)
    models.behaviour.frame_s, models.behaviour.num_frames = 0.005, lambda request: 10_000
    with client.stream("POST", f"/live/{ID}", json=FIELDS) as answer:
        parts = answer.iter_raw()
        next(parts)
        assert client.post(f"/live/{ID}/stop").status_code == 204
        wait_until_cancelled(desk)
        assert sum(1 for _ in parts) < 100  # and ends


def test_nobody_else_can_stop_or_fetch_it(client: httpx.Client) -> None:
    client.post(f"/live/{ID}", json=FIELDS)
    time.sleep(0.2)
    other = {"x-key": "sam"}
    assert client.get(f"/live/{ID}/speech.wav", headers=other).status_code == 404
    assert client.get(f"/live/{ID}/speech.exe").status_code == 404


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b'{"text": 5}'])
def test_what_is_no_order_sounds_of_nothing(client: httpx.Client, body: bytes) -> None:
    answer = client.post(f"/live/{ID}", content=body)
    assert (answer.status_code, answer.content) == (200, b"")


def test_an_id_that_is_none_is_refused_in_words(client: httpx.Client) -> None:
    answer = client.post("/live/short", json=FIELDS)
    assert answer.status_code == 400
    assert "reload the page" in answer.json()["problem"]


def test_a_body_without_end_is_refused(client: httpx.Client) -> None:
    answer = client.post(f"/live/{ID}", content=b"x" * 1_100_000)
    assert answer.status_code == 413
