"""Paths that climb, in every spelling, on every route that takes a name."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from tests.server.hostile.checking import Judge

NAMES = (
    "..", "../..", "../../sentinel", "..%2f..%2fsentinel", "%2e%2e%2fsentinel", "%252e%252e%252f",
    "..%5c..%5csentinel", "%2fetc%2fpasswd", "....//....//etc", "%c0%ae%c0%ae%2f", "%00",
    "sentinel%00", "%ff%fe", "%0d%0aX-Evil:1", "x" * 8_000, "%20", ".lock", "~", "con", "nul",
    "a:b", "a%00.voice", "%F0%9F%92%A5", "..;/", "%u002e%u002e", "*", "null", "-1", "0x41", "1e9",
)  # fmt: skip
ROUTES = (
    ("GET", "/v1/audio/voices/{}"),
    ("PATCH", "/v1/audio/voices/{}"),
    ("DELETE", "/v1/audio/voices/{}"),
    ("GET", "/v1/audio/voices/{}/package"),
    ("POST", "/v1/audio/voices/design/{}/1/keep"),
    ("GET", "/v1/models/{}"),
    ("GET", "/v1/audio/jobs/{}"),
    ("GET", "/v1/audio/jobs/{}/events"),
    ("GET", "/v1/audio/jobs/{}/result"),
    ("DELETE", "/v1/audio/jobs/{}"),
    ("GET", "/{}"),
)


@pytest.mark.parametrize(("method", "route"), ROUTES, ids=[f"{m} {r}" for m, r in ROUTES])
def test_a_name_that_climbs_finds_nothing(
    client: TestClient, judge: Judge, folder: Path, method: str, route: str
) -> None:
    before = sorted(path for path in folder.rglob("*"))
    for name in NAMES:
        body = {"name": "elsewhere"} if method in ("PATCH", "POST") else None
        answer = client.request(method, route.format(name), json=body)
        judge.check_silent(answer)
        assert "x-evil" not in answer.headers
        if answer.status_code == 200:  # the client itself resolved the climbing to a list
            assert answer.url.path.rstrip("/") in (
                "/v1/audio/voices",
                "/v1/models",
                "/v1/audio/jobs",
            )
        else:
            judge.check_refused(answer)
    assert sorted(path for path in folder.rglob("*")) == before


@pytest.mark.parametrize(
    "name", ["../../sentinel", "/etc/passwd", "sentinel.voice", "a\x00b", "\r\n"]
)
@pytest.mark.parametrize("field", ["voice", "model"])
def test_a_path_is_no_voice_and_no_model(
    client: TestClient, judge: Judge, field: str, name: str
) -> None:
    body = {"model": "fake-custom", "input": "Hello.", field: name}

    judge.check_refused(client.post("/v1/audio/speech", json=body))


@pytest.mark.parametrize(
    "name",
    [
        "file:///etc/passwd",
        "/etc/passwd",
        "http://127.0.0.1/x",
        "http://169.254.169.254/",
        "ftp://a/b",
        "data:,x",
        "data:audio/wav;base64,%%%",
    ],
)
def test_a_place_is_no_clip(client: TestClient, judge: Judge, name: str) -> None:
    body = {"model": "fake-base", "input": "Hello.", "task_type": "Base", "ref_audio": name}

    judge.check_refused(client.post("/v1/audio/speech", json=body))
