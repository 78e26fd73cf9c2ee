"""Who is calling: every request but those to open paths shows a key, as soon as keys exist.

`Authorization: Bearer TOKEN`. Browsers cannot set headers on a WebSocket; there the token may come
as a subprotocol, `intone-key.TOKEN`, beside `intone`. Never in the URL: URLs land in logs. Who logs
in to the studio is known by a cookie there (`browser_door`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from intone.server.admission import NO_LIMITS, KeyLimits
from intone.server.errors import ApiError
from intone.server.refusal import refuse
from intone.server.request_ids import record_in

OPEN_PATHS = frozenset({"/healthz", "/readyz"})
SUBPROTOCOL = "intone"
_KEY_SUBPROTOCOL = "intone-key."
_CALLER = "caller"


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose request it is."""

    key_id: str
    limits: KeyLimits = NO_LIMITS


ANYBODY = Caller("anonymous")
"""Where no keys exist, all share one."""

FindCaller = Callable[[str | None], Caller | None]
"""From a token, or its absence, to the caller; None refuses."""


class KeyGate:
    """Lets a request through to the app when its key is good, or its path open."""

    def __init__(self, app: ASGIApp, find: FindCaller, open_paths: frozenset[str]) -> None:
        self._app = app
        self._find = find
        self._open_paths = open_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or scope["path"] in self._open_paths:
            await self._app(scope, receive, send)
            return
        token = token_of(HTTPConnection(scope))
        known = scope["state"].get(_CALLER) if token is None else None
        caller = known or self._find(token)
        if caller is None:
            await refuse(_refusal(token), scope, receive, send)
            return
        scope["state"][_CALLER] = caller
        record_in(scope).key_id = caller.key_id
        await self._app(scope, receive, send)


def put_caller(scope: Scope, caller: Caller) -> None:
    """Tells the gate who calls; a layer before it does so that knows it by other means."""
    scope["state"][_CALLER] = caller


def caller_of(connection: HTTPConnection) -> Caller:
    """Returns who calls, over HTTP or a WebSocket."""
    caller = connection.scope["state"][_CALLER]
    assert isinstance(caller, Caller)
    return caller


async def _caller(connection: HTTPConnection) -> Caller:
    return caller_of(connection)


TheCaller = Annotated[Caller, Depends(_caller)]
"""A parameter of a route that is given who calls."""


def token_of(connection: HTTPConnection) -> str | None:
    """Returns the token that a connection shows, or None."""
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    if connection.scope["type"] != "websocket":
        return None
    offered = (name.strip() for name in _subprotocols(connection))
    keys = (n.removeprefix(_KEY_SUBPROTOCOL) for n in offered if n.startswith(_KEY_SUBPROTOCOL))
    return next(keys, None)


def _subprotocols(connection: HTTPConnection) -> list[str]:
    return connection.headers.get("sec-websocket-protocol", "").split(",")


def _refusal(token: str | None) -> ApiError:
    if token is None:
        message = "this server asks for a key: send the header 'Authorization: Bearer KEY'."
    else:
        message = "the key is not known here, or was revoked; ask whoever runs this server for one."
    return ApiError(401, "authentication_error", "invalid_api_key", message)
