"""Which web pages may make this server act: none, but those of `cors_origins`.

CORS keeps a page from reading answers; it lets it send forms and open WebSockets all the same.
Browsers say whose page it is (`Origin`); what is neither ours nor listed is refused. Programs send
no such header and are not concerned.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from intone.server.errors import INVALID_REQUEST, ApiError
from intone.server.refusal import refuse

_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_EVERYBODY = "*"


class OriginCheck:
    """Refuses forms and WebSockets of strange pages."""

    def __init__(self, app: ASGIApp, allowed: tuple[str, ...]) -> None:
        self._app = app
        self._allowed = frozenset(allowed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or self._is_fine(scope):
            await self._app(scope, receive, send)
            return
        help = "whoever runs it can allow them (server.cors_origins)."
        await refuse(strange_origin(help), scope, receive, send)

    def _is_fine(self, scope: Scope) -> bool:
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        if origin is None or (scope["type"] == "http" and scope["method"] in _READING):
            return True
        if _EVERYBODY in self._allowed or origin in self._allowed:
            return True
        return is_own(headers)


def is_own(headers: Headers) -> bool:
    """Whether a request comes from a page of ours, or from no page."""
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host")


def strange_origin(help: str) -> ApiError:
    """Returns the refusal of a page of somebody else's."""
    message = f"pages of that origin may not call this server; {help}"
    return ApiError(403, INVALID_REQUEST, "origin_not_allowed", message)
