"""The layer in front of Serve's routing, before an app that tells what reached it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from intone.deploy.ray import by_model
from intone.deploy.ray.by_model import ROUTES_PATH, ByModel

ROUTES = {"/": "default", "/0.6b-base": "base", "/tiny": "tiny"}


class Proxy:
    """Stands in for Serve's proxy: has routes, and keeps the last request."""

    def __init__(self, routes: dict[str, str] | None = None) -> None:
        self.routes = ROUTES if routes is None else routes
        self.times_asked = 0
        self.path = self.raw_path = ""
        self.body = b""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == ROUTES_PATH:
            self.times_asked += 1
            await send({"type": "http.response.start", "status": 200 if self.routes else 503})
            await send({"type": "http.response.body", "body": json.dumps(self.routes).encode()})
            return
        self.path, self.raw_path, self.body = scope["path"], scope["raw_path"].decode(), b""
        while scope["type"] == "http" and (message := await receive())["type"] == "http.request":
            self.body += message.get("body", b"")
            if not message.get("more_body", False):
                return


def request(
    proxy: Proxy,
    path: str = "/v1/audio/speech",
    body: bytes = b"",
    *,
    query: str = "",
    kind: str = "http",
    content_type: str = "application/json",
    pieces: int = 1,
) -> str:
    """Sends one request through the layer; returns the path that reached the proxy."""
    scope: dict[str, Any] = {
        **{"type": kind, "path": path, "raw_path": path.encode(), "query_string": query.encode()},
        "method": "POST",
        "headers": [
            (b"content-type", content_type.encode()),
            (b"content-length", str(len(body)).encode()),
        ],
    }
    left = messages(body, pieces)

    async def receive() -> Message:
        return next(left)

    async def send(message: Message) -> None:
        raise AssertionError(message)

    asyncio.run(ByModel(proxy)(scope, receive, send))
    assert proxy.path == proxy.raw_path
    return proxy.path


def messages(body: bytes, pieces: int) -> Iterator[Message]:
    step = max(1, -(-len(body) // pieces))
    for start in range(0, max(1, len(body)), step):
        more = start + step < len(body)
        yield {"type": "http.request", "body": body[start : start + step], "more_body": more}
    yield {"type": "http.disconnect"}


def asked(model: object) -> bytes:
    return json.dumps({"input": "Hello.", "model": model}).encode()


@pytest.mark.parametrize(
    ("model", "prefix"),
    [
        ("tiny", "/tiny"),
        ("TINY", "/tiny"),
        ("Qwen/Qwen3-TTS-12Hz-0.6B-Base", "/0.6b-base"),
        ("tts-1", ""),
        ("../tiny", ""),
        ("", ""),
        (7, ""),
        (None, ""),
    ],
)
def test_the_model_of_a_json_body_chooses_the_prefix(model: object, prefix: str) -> None:
    proxy = Proxy()

    assert request(proxy, body=asked(model), pieces=3) == f"{prefix}/v1/audio/speech"
    assert proxy.body == asked(model)


def test_the_address_chooses_before_the_body() -> None:
    assert request(Proxy(), query="model=tiny", body=asked("0.6b-base")).startswith("/tiny/")
    assert request(Proxy(), "/v1/models/tiny") == "/tiny/v1/models/tiny"
    assert request(Proxy(), "/tiny/v1/audio/speech", asked("0.6b-base")).startswith("/tiny/v1")


def test_a_websocket_is_led_by_its_address_alone() -> None:
    path = "/v1/audio/speech/stream"

    assert request(Proxy(), path, query="model=tiny", kind="websocket") == f"/tiny{path}"
    assert request(Proxy(), path, kind="websocket") == path


@pytest.mark.parametrize("body", [b"{", b"[1]", b"\xff", b"[" * 100_000, b'"tiny"'])
def test_a_body_that_says_nothing_arrives_as_it_was(body: bytes) -> None:
    proxy = Proxy()

    assert request(proxy, body=body, pieces=2) == "/v1/audio/speech"
    assert proxy.body == body


def test_other_bodies_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(by_model, "_read", None)

    assert request(Proxy(), body=asked("tiny"), content_type="audio/wav") == "/v1/audio/speech"
    monkeypatch.setattr(by_model, "_MAX_BODY_BYTES", 10)
    assert request(Proxy(), body=asked("tiny")) == "/v1/audio/speech"


def test_a_body_that_is_longer_than_it_said_is_passed_on_unread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    proxy, body = Proxy(), asked("tiny")
    monkeypatch.setattr(by_model, "_has_json", lambda headers: True)
    monkeypatch.setattr(by_model, "_MAX_BODY_BYTES", 10)

    assert request(proxy, body=body, pieces=8) == "/v1/audio/speech"
    assert proxy.body == body


def test_a_body_that_does_not_come_is_left_to_the_replica(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(by_model, "_MAX_WAIT_S", 0.01)

    async def never() -> Message:
        return await asyncio.Future()

    async def read() -> list[Message]:
        return await by_model._read(never)

    assert asyncio.run(read()) == []


@pytest.mark.parametrize("routes", [{"/": "default"}, {}])
def test_with_one_application_nothing_is_read(
    routes: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(by_model, "_read", None)

    assert request(Proxy(routes), body=asked("tiny")) == "/v1/audio/speech"


def test_routes_are_asked_for_once_a_second() -> None:
    proxy, now_s = Proxy(), [0.0]
    layer = ByModel(proxy, clock=lambda: now_s[0])

    async def ask(at_s: float) -> int:
        now_s[0] = at_s
        await layer._known()
        return proxy.times_asked

    assert [asyncio.run(ask(at_s)) for at_s in (0.0, 0.9, 1.0, 1.5)] == [1, 1, 2, 2]


def listing(answers: dict[str, tuple[int, dict[str, Any]]]) -> tuple[int, dict[str, Any]]:
    """Returns status and document of GET /v1/models before applications with these answers."""
    sent: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"].removesuffix("/v1/models") or "/"
        status, document = (200, ROUTES) if path == ROUTES_PATH else answers[path]
        await receive()
        body = json.dumps(document).encode()
        length = (b"content-length", str(len(body)).encode())
        await send({"type": "http.response.start", "status": status, "headers": [length]})
        await send({"type": "http.response.body", "body": body})

    async def keep(message: Message) -> None:
        sent.append(message)

    async def nothing() -> Message:
        return {"type": "http.request", "body": b""}

    scope = {
        **{"type": "http", "method": "GET", "path": "/v1/models", "raw_path": b"/v1/models"},
        **{"query_string": b"", "headers": []},
    }
    asyncio.run(ByModel(app)(scope, nothing, keep))
    body = b"".join(message.get("body", b"") for message in sent)
    assert dict(sent[0]["headers"])[b"content-length"] == str(len(body)).encode()
    return sent[0]["status"], json.loads(body)


def models(*names: str) -> tuple[int, dict[str, Any]]:
    data = [{"id": name, "is_default": number == 0} for number, name in enumerate(names)]
    return 200, {"object": "list", "data": data}


def test_the_models_of_all_applications_are_listed_the_default_first() -> None:
    down = (503, {"error": {}})
    status, listed = listing({"/": models("builtin"), "/0.6b-base": down, "/tiny": models("tiny")})

    assert (status, listed["object"]) == (200, "list")
    assert [(one["id"], one["is_default"]) for one in listed["data"]] == [
        ("builtin", True),
        ("tiny", False),
    ]


def test_a_list_that_is_refused_is_refused() -> None:
    refusal = (401, {"error": {"code": "invalid_api_key"}})

    assert listing({"/": refusal, "/0.6b-base": refusal, "/tiny": refusal}) == refusal
