"""What an ASGI app answers to a request without a body, kept whole."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, replace
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Scope, Send


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; its body is small."""

    start: Message
    body: bytes

    @property
    def is_ok(self) -> bool:
        return bool(self.start.get("status") == 200)

    @property
    def document(self) -> dict[str, Any]:
        """The body as JSON."""
        found: dict[str, Any] = json.loads(self.body)
        return found

    def with_document(self, document: dict[str, Any]) -> Answer:
        """Returns it with another body."""
        body = json.dumps(document, ensure_ascii=False).encode()
        start = {**self.start, "headers": list(self.start["headers"])}
        MutableHeaders(scope=start)["content-length"] = str(len(body))
        return replace(self, start=start, body=body)

    async def send(self, send: Send) -> None:
        """Sends it on."""
        await send(self.start)
        await send({"type": "http.response.body", "body": self.body})


async def answer_of(app: ASGIApp, scope: Scope) -> Answer:
    """Returns what an app answers; the caller stays until then."""
    start: Message = {}
    body = bytearray()
    asked = False

    async def receive() -> Message:
        nonlocal asked
        if asked:
            await asyncio.Event().wait()
        asked = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        nonlocal start
        if message["type"] == "http.response.start":
            start = message
        body.extend(message.get("body", b""))

    await app(dict(scope), receive, send)
    return Answer(start, bytes(body))
