"""`WS /v1/audio/speech/stream`: text in pieces, sound as soon as there is enough of it.

Who may connect is decided before the socket is accepted: the key by the layer in front of all
routes, the web page that a browser connects for here (browsers let any page open a socket).
"""

from __future__ import annotations

import logging
from urllib.parse import urlsplit

from fastapi import APIRouter
from starlette.websockets import WebSocket

from intone.server.auth import SUBPROTOCOL, caller_of
from intone.server.errors import ApiError, error_response
from intone.server.live.channel import Channel
from intone.server.live.session import LiveSession
from intone.server.live.setup import ROUTE
from intone.server.request_ids import record_in
from intone.server.services import services_of

router = APIRouter()
_LOG = logging.getLogger("intone.server")


@router.websocket(ROUTE)
async def speak_live(socket: WebSocket) -> None:
    """Text that arrives while it is spoken; the grammar of events is in the documentation."""
    services = services_of(socket)
    if not is_allowed_origin(socket, services.settings.server.cors_origins):
        await socket.send_denial_response(error_response(_foreign_page()))
        return
    offered = socket.scope.get("subprotocols", [])
    await socket.accept(SUBPROTOCOL if SUBPROTOCOL in offered else None)
    channel = Channel(
        socket,
        max_message_bytes=services.settings.limits.websocket_message,
        max_wait_s=services.settings.speech.slow_reader_s,
    )
    record = record_in(socket.scope)
    await LiveSession(services, channel, record, caller_of(socket).key_id).run()


def is_allowed_origin(socket: WebSocket, allowed: tuple[str, ...]) -> bool:
    """Whether the page that a browser connects for may: one of this server's own, or a listed one.

    Clients that are no browsers send no origin.
    """
    origin = socket.headers.get("origin")
    if origin is None or "*" in allowed or origin in allowed:
        return True
    return urlsplit(origin).netloc == socket.headers.get("host")


def _foreign_page() -> ApiError:
    return ApiError(
        403,
        "permission_error",
        "foreign_origin",
        "this server does not serve the page that connects; add its origin to server.cors_origins.",
    )
