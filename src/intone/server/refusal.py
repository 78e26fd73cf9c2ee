"""An answer from a layer in front of the routes, for HTTP and for WebSockets alike."""

from __future__ import annotations

from starlette.types import Receive, Scope, Send

from intone.core.errors import IntoneError
from intone.server.errors import api_error, error_response

_POLICY_VIOLATION = 1008
_TRY_AGAIN = 1013


async def refuse(error: IntoneError, scope: Scope, receive: Receive, send: Send) -> None:
    """Answers instead of the app. A WebSocket is refused before it is accepted.

    Where the server can, its handshake is answered like a request; else it is closed (403).
    """
    if scope["type"] != "websocket" or "websocket.http.response" in scope.get("extensions", {}):
        await error_response(error)(scope, receive, send)
        return
    status = api_error(error).status
    code = _TRY_AGAIN if status in (429, 503) else _POLICY_VIOLATION
    await receive()  # the protocol wants the request to connect to be read first
    await send({"type": "websocket.close", "code": code, "reason": api_error(error).code})
