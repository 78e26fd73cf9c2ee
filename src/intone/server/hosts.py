"""Which Host headers are answered: a guard against pages that point a name of theirs here."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from intone.server.errors import INVALID_REQUEST, ApiError
from intone.server.refusal import refuse


class HostCheck:
    """Refuses names that are not listed; `*.example.org` stands for what ends in it."""

    def __init__(self, app: ASGIApp, allowed: tuple[str, ...]) -> None:
        self._app = app
        self._allowed = tuple(name.lower() for name in allowed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or self._is_allowed(_host(Headers(scope=scope))):
            await self._app(scope, receive, send)
            return
        error = ApiError(
            400, INVALID_REQUEST, "unknown_host", "this server does not answer to that Host header."
        )
        await refuse(error, scope, receive, send)

    def _is_allowed(self, host: str) -> bool:
        return any(
            host == name or (name.startswith("*.") and host.endswith(name[1:]))
            for name in self._allowed
        )


def _host(headers: Headers) -> str:
    """Returns the name without its port; an IPv6 address keeps its brackets."""
    host = headers.get("host", "").lower()
    return host if host.endswith("]") else host.rpartition(":")[0] or host
