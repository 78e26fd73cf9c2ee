"""The front door: ids, keys, sizes, errors, draining. Routes are the parts' own."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.testclient import WebSocketDenialResponse
from starlette.types import Message
from tests.server.fakes import FakeSource, fake_services, with_settings

from intone.core.errors import (
    CapacityError,
    CheckpointError,
    IntoneError,
    InvalidSettingError,
    MissingDependencyError,
    ModelNotFoundError,
    TextTooLongError,
    UnknownVoiceError,
)
from intone.server.admission import NO_LIMITS, KeyLimits
from intone.server.app import create_app
from intone.server.errors import api_error, public_message
from intone.server.json_logs import json_logs
from intone.server.keys import KeyFile
from intone.server.sections import LimitsSection, ServerSection
from intone.server.services import Services

SPEECH = "/v1/audio/speech"


@pytest.fixture
def services(tmp_path: Path) -> Services:
    return fake_services(tmp_path)


def client_of(services: Services, add: Callable[[FastAPI], None] | None = None) -> TestClient:
    """Returns a client of an app; `add` may give it routes of its own."""
    app = create_app(services)
    if add is not None:
        add(app)
    return TestClient(app, raise_server_exceptions=False)


def raising(error: Exception) -> Callable[[FastAPI], None]:
    """Adds `/broken`, which raises."""

    def add(app: FastAPI) -> None:
        @app.get("/broken")
        async def broken() -> None:
            raise error

    return add


def test_health_answers_and_loads_nothing(tmp_path: Path) -> None:
    source = FakeSource()
    client = client_of(fake_services(tmp_path, source))

    assert client.get("/healthz").json()["ok"] is True
    assert client.get("/readyz").json() == {"ready": True}
    assert source.opened == []


def test_a_sane_request_id_goes_through_and_any_other_is_replaced(services: Services) -> None:
    client = client_of(services)
    taken = client.get("/healthz", headers={"x-request-id": "job-7:a.b"})
    made = client.get("/healthz", headers={"x-request-id": "a b<script>"})

    assert taken.headers["x-request-id"] == "job-7:a.b"
    assert len(made.headers["x-request-id"]) == 32


def test_with_a_key_every_route_but_health_needs_it(tmp_path: Path) -> None:
    token = KeyFile(tmp_path / "keys.json").add("alice", NO_LIMITS)
    app = create_app(fake_services(tmp_path))
    client = TestClient(app)
    paths = [path.replace("{", "").replace("}", "") for path in app.openapi()["paths"]]

    open_paths = {path for path in [*paths, "/openapi.json"] if client.get(path).status_code != 401}
    assert open_paths == {"/healthz", "/readyz"}
    good = {"authorization": f"Bearer {token}"}
    assert client.get("/openapi.json", headers=good).status_code == 200
    refused = client.get("/v1/models", headers={"authorization": f"Bearer {token}x"})
    assert refused.headers["www-authenticate"] == "Bearer"
    assert token not in refused.text


def test_a_revoked_key_opens_nothing_and_the_last_one_does_not_open_the_door(
    tmp_path: Path,
) -> None:
    file = KeyFile(tmp_path / "keys.json")
    good = {"authorization": f"Bearer {file.add('alice', NO_LIMITS)}"}
    client = client_of(fake_services(tmp_path))

    assert client.get("/v1/models", headers=good).status_code == 200
    file.revoke("alice")
    assert client.get("/v1/models", headers=good).status_code == 401
    assert client.get("/v1/models").status_code == 401


def test_no_key_takes_over_what_callers_without_keys_left(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettingError, match="callers without keys"):
        KeyFile(tmp_path / "keys.json").add("anonymous", NO_LIMITS)


def test_a_key_that_is_made_while_the_server_runs_closes_it(tmp_path: Path) -> None:
    client = client_of(fake_services(tmp_path))

    assert client.get("/v1/models").status_code == 200
    KeyFile(tmp_path / "keys.json").add("alice", NO_LIMITS)
    assert client.get("/v1/models").status_code == 401


def test_a_file_of_keys_that_is_damaged_meanwhile_lets_nobody_in(tmp_path: Path) -> None:
    client = client_of(fake_services(tmp_path))
    (tmp_path / "keys.json").write_text("{", encoding="utf-8")

    assert client.get("/v1/models").status_code == 401


def test_a_socket_needs_the_key_too_and_browsers_offer_it_as_a_subprotocol(tmp_path: Path) -> None:
    token = KeyFile(tmp_path / "keys.json").add("alice", NO_LIMITS)
    client, path = client_of(fake_services(tmp_path)), "/v1/audio/speech/stream"

    for protocols in ([], ["intone"], ["intone", f"intone-key.{token}x"]):
        with (
            pytest.raises(WebSocketDenialResponse) as denied,
            client.websocket_connect(path, subprotocols=protocols),
        ):
            pass
        assert denied.value.status_code == 401
    with client.websocket_connect(path, subprotocols=["intone", f"intone-key.{token}"]) as ws:
        assert ws.accepted_subprotocol == "intone"
    with client.websocket_connect(path, headers={"authorization": f"Bearer {token}"}) as ws:
        assert ws.accepted_subprotocol is None


def test_a_key_beyond_its_rate_gets_429_and_others_do_not(tmp_path: Path) -> None:
    file, body = KeyFile(tmp_path / "keys.json"), {"input": "Hello.", "response_format": "pcm"}
    slow = {"authorization": f"Bearer {file.add('slow', KeyLimits(requests_per_minute=1))}"}
    free = {"authorization": f"Bearer {file.add('free', NO_LIMITS)}"}
    with client_of(fake_services(tmp_path)) as client:
        answers = [client.post(SPEECH, json=body, headers=key) for key in (slow, slow, free)]

    assert [answer.status_code for answer in answers] == [200, 429, 200]
    assert answers[1].json()["error"]["type"] == "rate_limit_error"
    assert 50 <= int(answers[1].headers["retry-after"]) <= 60


def test_metrics_need_a_key_unless_they_are_open(tmp_path: Path) -> None:
    KeyFile(tmp_path / "keys.json").add("alice", NO_LIMITS)
    services = fake_services(tmp_path)
    opened = with_settings(services, server=ServerSection(metrics_open=True))

    assert client_of(services).get("/metrics").status_code == 401
    assert client_of(opened).get("/metrics").status_code == 200


def test_a_body_that_is_too_large_gets_413_with_the_numbers(services: Services) -> None:
    limits = LimitsSection(body=1_000_000, upload=2_000_000)
    client = client_of(with_settings(services, limits=limits))
    declared = client.post(SPEECH, json={"input": "a" * 2_000_000})
    streamed = client.post(
        SPEECH,
        content=(b" " * 600_000 for _ in range(3)),
        headers={"content-type": "application/json"},
    )
    uploaded = client.post("/v1/audio/voices/import", files={"package": b"a" * 3_000_000})

    assert [a.status_code for a in (declared, streamed, uploaded)] == [413, 413, 413]
    assert "the body has 2.0 MB or more; allowed: 1.0 MB." in declared.text
    assert streamed.json()["error"]["code"] == "body_too_large"


def test_a_body_that_does_not_arrive_gets_408(services: Services) -> None:
    asked = with_settings(services, limits=LimitsSection(body_s=0.05))
    scope_of = {
        "type": "http",
        "method": "POST",
        "path": SPEECH,
        "raw_path": b"",
        "query_string": b"",
    }
    headers = [(b"content-type", b"application/json"), (b"host", b"x")]

    async def never() -> Message:
        await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    sent: list[Message] = []

    async def keep(message: Message) -> None:
        sent.append(message)

    asyncio.run(create_app(asked)({**scope_of, "headers": headers}, never, keep))

    assert sent[0]["status"] == 408


def test_a_crash_shows_nothing_of_its_inside_and_ends_nothing(services: Services) -> None:
    client = client_of(services, raising(RuntimeError("in /root/secret.py with key intone_abc")))
    broken = client.get("/broken")

    assert broken.status_code == 500
    assert broken.json()["error"]["code"] == "internal_error"
    assert "secret" not in broken.text
    assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (UnknownVoiceError("no voice 'x'."), 400, "unknown_voice"),
        (TextTooLongError("too long."), 413, "text_too_long"),
        (ModelNotFoundError("no model 'x'."), 404, "model_not_found"),
        (CapacityError("full."), 503, "busy"),
        (MissingDependencyError("install intone[codecs]."), 501, "not_installed"),
        (CheckpointError("/models/x/config.json is torn."), 500, "internal_error"),
    ],
)
def test_errors_have_their_status(
    services: Services, error: IntoneError, status: int, code: str
) -> None:
    answer = client_of(services, raising(error)).get("/broken")

    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert ("retry-after" in answer.headers) == (status == 503)


@pytest.mark.parametrize(
    ("message", "public"),
    [
        (
            "no voice 'x' is kept in /root/v/a; see",
            "no voice 'x' is kept in a file of the server; see",
        ),
        ("cannot read ~/.config/keys.json.", "cannot read a file of the server."),
        ("open C:\\Users\\me\\x failed", "open a file of the server failed"),
        ("send it to /v1/audio/jobs.", "send it to /v1/audio/jobs."),
        ("24 kHz/s and 3/4, https://example.org/x", "24 kHz/s and 3/4, https://example.org/x"),
    ],
)
def test_messages_for_strangers_hold_no_path(message: str, public: str) -> None:
    assert public_message(message) == public


def test_unknown_routes_and_methods_answer_in_the_same_form(services: Services) -> None:
    client = client_of(services)
    missing, wrong = client.get("/nope"), client.put("/healthz")

    assert missing.json()["error"]["code"] == "not_found"
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET")


def test_while_draining_nothing_new_begins_and_health_still_tells(services: Services) -> None:
    client = client_of(services)
    services.lifecycle.drain()
    refused = client.get("/v1/models")

    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
    assert client.get("/readyz").status_code == 503
    assert client.get("/healthz").status_code == 200


def test_only_listed_hosts_and_origins_are_answered(services: Services) -> None:
    server = ServerSection(
        allowed_hosts=("testserver", "*.example.org"), cors_origins=("https://page.example",)
    )
    client = client_of(with_settings(services, server=server))

    assert client.get("/healthz").status_code == 200
    assert client.get("/healthz", headers={"host": "a.example.org:81"}).status_code == 200
    assert client.get("/healthz", headers={"host": "evil.example"}).status_code == 400
    allowed = client.get("/healthz", headers={"origin": "https://page.example"})
    assert allowed.headers["access-control-allow-origin"] == "https://page.example"
    other = client.get("/healthz", headers={"origin": "https://evil.example"})
    assert "access-control-allow-origin" not in other.headers


def test_a_strange_page_can_neither_send_forms_nor_open_a_socket(services: Services) -> None:
    client = client_of(services)
    strange, own = {"origin": "https://evil.example"}, {"origin": "http://testserver"}
    form = {"files": {"package": b"x"}}

    refused = client.post("/v1/audio/voices/import", headers=strange, **form)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "origin_not_allowed")
    assert client.post("/v1/audio/voices/import", headers=own, **form).status_code == 400
    assert client.get("/v1/models", headers=strange).status_code == 200
    with (
        pytest.raises(WebSocketDenialResponse),
        client.websocket_connect("/v1/audio/speech/stream", headers=strange),
    ):
        pass


def test_a_log_line_is_json_and_says_nothing_that_was_spoken(services: Services) -> None:
    stream = StringIO()
    with json_logs("info", stream):
        client_of(services).post(SPEECH, json={"input": "a private word", "voice": "ryan"})
        logging.getLogger("uvicorn.error").info("from %s", "uvicorn")
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    request = next(line for line in lines if line["message"] == "request")

    assert (request["route"], request["status"], request["method"]) == (SPEECH, 200, "POST")
    assert {"request_id", "duration_ms", "time", "level"} <= request.keys()
    assert "private" not in stream.getvalue()
    assert lines[-1]["message"] == "from uvicorn"


def test_a_trace_in_the_log_does_not_quote_what_was_spoken(services: Services) -> None:
    def failing(error: Exception) -> str:
        stream = StringIO()
        with json_logs("info", stream):
            client_of(services, raising(error)).get("/broken")
        return stream.getvalue()

    log = failing(ValueError("cannot say 'a private word'"))
    assert "private" not in log
    trace = next(line for line in map(json.loads, log.splitlines()) if "trace" in line)["trace"]
    assert trace.endswith("ValueError")
    assert "test_app.py" in trace


def test_every_route_stands_on_the_page(services: Services) -> None:
    page = (Path(__file__).parents[2] / "docs" / "serve.md").read_text(encoding="utf-8")
    paths = create_app(services).openapi()["paths"]

    assert [path for path in paths if f" {path}`" not in page and f"`{path}`" not in page] == []


def test_errors_of_intone_are_told_as_they_are() -> None:
    told = api_error(UnknownVoiceError("no voice 'x'; presets: ryan."))

    assert (told.message, told.param) == ("no voice 'x'; presets: ryan.", "voice")
