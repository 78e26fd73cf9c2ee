"""What the app of a server needs behind the proxies of Ray Serve.

Serve leaves an application's prefix in the path and names it in `root_path`; layers that compare
paths, the one that leaves `/healthz` open for example, know the app's own paths alone. And Serve
puts `X-Request-Id` on every answer, with the id that the app was given: twice would be once too
often.
"""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from intone.server.request_ids import HEADER


class Mounted:
    """Takes the prefix off, and leaves the id to Serve."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                del MutableHeaders(scope=message)[HEADER]
            await send(message)

        await self._app(_at_root(scope), receive, answer)


def _at_root(scope: Scope) -> Scope:
    prefix: str = scope.get("root_path", "").rstrip("/")
    if not prefix or not scope["path"].startswith(f"{prefix}/"):
        return scope
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return {
        **scope,
        "path": scope["path"].removeprefix(prefix),
        "raw_path": raw.removeprefix(prefix.encode()),
        "root_path": "",
    }
