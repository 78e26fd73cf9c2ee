"""What a live session must not take: broken events, huge ones, the wrong kind, none at all."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from tests.server.hostile.checking import Judge

LIVE = "/v1/audio/speech/stream"

MESSAGES: dict[str, str | bytes] = {
    "nothing": "",
    "no JSON": "{",
    "null": "null",
    "a number": "1",
    "a list": "[]",
    "no type": "{}",
    "an unknown type": '{"type": "session.shout"}',
    "a type that is a list": '{"type": []}',
    "a type of its own prototype": '{"type": "__proto__"}',
    "depth": '{"type":' + "[" * 60_000 + "]" * 60_000 + "}",
    "a number of 10,000 digits": '{"type": "session.config", "seed": ' + "9" * 10_000 + "}",
    "NaN": '{"type": "session.config", "speed": NaN}',
    "half a surrogate": '{"type": "input.text", "text": "\\ud800"}',
    "text that is no text": '{"type": "input.text", "text": {"a": 1}}',
    "text without text": '{"type": "input.text"}',
    "a field of no form": '{"type": "session.config", "shout": true}',
    "a voice that climbs": '{"type": "session.config", "voice": "../../etc/passwd"}',
    "a model that climbs": '{"type": "session.config", "model": "/etc/passwd"}',
    "a long voice": json.dumps({"type": "session.config", "voice": "x" * 60_000}),
    "bytes": b"\x00\x01\x02",
    "bytes of JSON": b'{"type": "input.done"}',
}


@pytest.mark.parametrize("name", MESSAGES)
def test_a_broken_event_is_told_and_ends_nothing_else(
    client: TestClient, judge: Judge, name: str
) -> None:
    message = MESSAGES[name]
    with client.websocket_connect(LIVE, headers=dict(client.headers)) as socket:
        if isinstance(message, str):
            socket.send_text(message)
        else:
            socket.send_bytes(message)
        socket.send_text('{"type": "input.text", "text": "Hello."}')
        socket.send_text('{"type": "input.done"}')
        told = list(_until_closed(socket))  # type: ignore[arg-type]

    errors = [event for event in told if event["type"] == "error"]
    assert errors, told
    assert len(json.dumps(errors)) < 3_000
    judge.check_shown(json.dumps(told))
    assert client.get("/healthz").status_code == 200


def _until_closed(socket: object) -> Iterator[dict[str, object]]:
    try:
        while True:
            message = socket.receive()  # type: ignore[attr-defined]
            if message["type"] == "websocket.close":
                return
            if message.get("text"):
                event = json.loads(message["text"])
                yield event
                if event["type"] == "session.done":
                    return
    except WebSocketDisconnect:
        return
