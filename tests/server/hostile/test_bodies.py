"""Bodies that are no JSON, or JSON of the wrong shape, size or depth; headers that lie."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.server.hostile.checking import Judge
from tests.server.hostile.conftest import LIMITS

SPEECH = "/v1/audio/speech"
ROUTES = (SPEECH, "/v1/audio/batch", "/v1/audio/jobs", "/v1/audio/voices/design")
JSON = {"Content-Type": "application/json"}

BODIES: dict[str, bytes] = {
    "nothing": b"",
    "an open brace": b"{",
    "null": b"null",
    "a number": b"1",
    "a list": b"[]",
    "a word": b'"input"',
    "an empty object": b"{}",
    "lists, 100,000 deep": b"[" * 100_000 + b"]" * 100_000,
    "objects, 50,000 deep": b'{"input":' * 50_000 + b"1" + b"}" * 50_000,
    "depth in a field": b'{"input":"x","voice":' + b"[" * 90_000 + b"]" * 90_000 + b"}",
    "a number of 10,000 digits": b'{"input":"x","seed":' + b"9" * 10_000 + b"}",
    "NaN": b'{"input":"x","temperature":NaN}',
    "infinity": b'{"input":"x","speed":Infinity}',
    "1e999": b'{"input":"x","speed":1e999}',
    "bad UTF-8": b'{"input":"\xff\xfe\xfd"}',
    "cut UTF-8": b'{"input":"\xe4\xb8',
    "half a surrogate": b'{"input":"\\ud800"}',
    "half a surrogate in a name": b'{"input":"x","voice":"\\udfff"}',
    "half a surrogate in a key": b'{"input":"x","\\ud800":1}',
    "UTF-16": '{"input":"x","voice":"nobody"}'.encode("utf-16"),
    "a gzip": gzip.compress(b'{"input":"x"}'),
    "a form": b"input=x&voice=ryan",
    "XML": b"<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>",
}

VALUES: tuple[Any, ...] = (
    None, True, -1, 2**70, 1.5e300, "", " ", "\x00", "a\r\nX-Evil: 1", [], {}, [1], {"id": None},
    {"id": {"id": "x"}}, "x" * 100_000, "../../etc/passwd", "${jndi:ldap://x}", "%s%n",
)  # fmt: skip
FIELDS = (
    "input", "voice", "model", "response_format", "speed", "stream_format", "language", "seed",
    "temperature", "top_p", "top_k", "repetition_penalty", "max_frames", "chunk_frames",
    "instructions", "task_type", "ref_audio", "ref_text", "x_vector_only_mode",
)  # fmt: skip


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_is_no_request_is_refused(
    client: TestClient, judge: Judge, route: str, name: str
) -> None:
    judge.check_refused(client.post(route, content=BODIES[name], headers=JSON))


@pytest.mark.parametrize("name", BODIES)
def test_the_older_route_refuses_it_in_its_own_words(
    client: TestClient, judge: Judge, name: str
) -> None:
    answer = client.post("/api/tts", content=BODIES[name], headers=JSON)

    judge.check_silent(answer)
    assert 400 <= answer.status_code < 500
    assert set(answer.json()) == {"detail"}


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_of_any_value_is_spoken_or_refused(
    client: TestClient, judge: Judge, field: str
) -> None:
    for value in VALUES:
        body = {"model": "fake-custom", "input": "Hi.", "max_frames": 3, field: value}
        answer = client.post(SPEECH, json=body)
        judge.check_silent(answer)
        assert "x-evil" not in answer.headers
        if answer.status_code != 200:
            judge.check_refused(answer)


@pytest.mark.parametrize(
    "kind", ["", "text/plain", "multipart/form-data", "application/json; charset=utf-42"]
)
def test_a_body_of_another_kind_is_refused(client: TestClient, judge: Judge, kind: str) -> None:
    answer = client.post(SPEECH, content=b'{"input": 1}', headers={"Content-Type": kind})

    judge.check_refused(answer)


def test_a_body_beyond_the_limit_is_refused_with_the_numbers(
    client: TestClient, judge: Judge
) -> None:
    answer = client.post(SPEECH, json={"input": "x" * (LIMITS.body + 1)})

    judge.check_refused(answer)
    assert answer.status_code == 413
    assert "2.0 MB" in answer.json()["error"]["message"]


def test_a_body_without_a_length_is_counted_too(client: TestClient, judge: Judge) -> None:
    def pieces():  # type: ignore[no-untyped-def]
        yield b'{"input": "'
        for _ in range(40):
            yield b"x" * 100_000
        yield b'"}'

    answer = client.post(SPEECH, content=pieces(), headers=JSON)

    judge.check_refused(answer)
    assert answer.status_code == 413


def test_a_text_beyond_the_limit_is_refused_with_the_numbers(
    client: TestClient, judge: Judge
) -> None:
    answer = client.post(SPEECH, json={"model": "fake-custom", "input": "word " * 1_000})

    judge.check_refused(answer)
    assert answer.status_code == 413
    assert "2000" in answer.json()["error"]["message"].replace(",", "")


@pytest.mark.parametrize(
    "given",
    [
        "x" * 5_000,
        "a b",
        "<script>",
        "%0d%0aX-Evil: 1",
        "\u00e4".encode("latin-1").decode("latin-1"),
    ],
)
def test_a_strange_request_id_is_not_given_back(client: TestClient, given: str) -> None:
    headers = {"X-Request-Id": given.encode("latin-1")}
    answer = client.get("/healthz", headers=headers)  # type: ignore[arg-type]

    assert answer.status_code == 200
    assert answer.headers["x-request-id"] != given


def test_every_route_but_health_asks_for_the_key(client: TestClient, judge: Judge) -> None:
    document = client.get("/openapi.json").json()
    stranger = TestClient(client.app, raise_server_exceptions=False)
    asked = 0
    for path, operations in document["paths"].items():
        for method in set(operations) & {"get", "post", "patch", "put", "delete"}:
            answer = stranger.request(method, path.replace("{", "").replace("}", ""))
            if path not in ("/healthz", "/readyz"):
                asked += 1
                assert answer.status_code == 401, f"{method} {path}"
                judge.check_silent(answer)
    assert asked > 8


@pytest.mark.parametrize(
    "credentials",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic Zm9vOmJhcg==",
        "Bearer intone_wrong",
        "Bearer \xff\xfe",
        "Bearer " + "x" * 60_000,
    ],
)
def test_a_wrong_key_is_refused(client: TestClient, judge: Judge, credentials: str) -> None:
    stranger = TestClient(client.app, raise_server_exceptions=False)
    answer = stranger.get(
        "/v1/models",
        headers={"Authorization": credentials.encode("latin-1")},  # type: ignore[dict-item]
    )

    judge.check_refused(answer)
    assert answer.status_code == 401


def test_a_deep_error_names_its_field_in_few_words(client: TestClient, judge: Judge) -> None:
    answer = client.post(SPEECH, content=json.dumps({"input": "x", "a" * 50_000: 1}), headers=JSON)

    judge.check_refused(answer)
