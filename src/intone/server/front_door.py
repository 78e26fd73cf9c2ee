"""The outermost layer: an id for every request, one line of log and one count when it is over.

What is raised below and was meant for nobody ends here: the caller gets a 500 without an inside,
the log gets the trace, and no other request notices.
"""

from __future__ import annotations

import logging
import time
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from intone.server.errors import ApiError, internal_error
from intone.server.lifecycle import Lifecycle
from intone.server.metrics import Metrics
from intone.server.refusal import refuse
from intone.server.request_ids import HEADER, RequestRecord, put_record, request_id_of

_LOG = logging.getLogger("intone.server.requests")
_CLIENT_CLOSED = 499
"""Logged and counted where the caller left before there was a status."""
_UNROUTED = "unknown"
_RETRY_S = 5.0


class FrontDoor:
    """Every HTTP request and WebSocket of the server passes here once."""

    def __init__(
        self,
        app: ASGIApp,
        metrics: Metrics,
        lifecycle: Lifecycle,
        always_open: frozenset[str],
        unawaited: str,
    ) -> None:
        """Wraps the app.

        Args:
            always_open: paths that are answered while draining, too.
            unawaited: how paths begin whose answers never end; draining does not wait for them.
        """
        self._app = app
        self._metrics = metrics
        self._lifecycle = lifecycle
        self._always_open = always_open
        self._unawaited = unawaited

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(HEADER)
        record = RequestRecord(request_id_of(given), time.perf_counter())
        put_record(scope, record)
        answer = _Answer(send, record.request_id)
        counted = 0 if scope["path"].startswith(self._unawaited) else 1
        self._lifecycle.num_in += counted
        try:
            await self._answer(scope, receive, answer)
        finally:
            self._lifecycle.num_in -= counted
            self._account(scope, record, answer)

    async def _answer(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        is_open = self._lifecycle.phase != "draining" or scope["path"] in self._always_open
        try:
            if is_open:
                await self._app(scope, receive, answer)
            else:
                await refuse(_stopping(), scope, receive, answer)
        except Exception:
            _LOG.exception("request failed", extra={"fields": {"request_id": answer.request_id}})
            if answer.status is not None:
                raise  # the server cuts the connection: half an answer must not look whole
            await refuse(internal_error(), scope, receive, answer)

    def _account(self, scope: Scope, record: RequestRecord, answer: _Answer) -> None:
        wall_s = time.perf_counter() - record.started_s
        status = answer.status or _CLIENT_CLOSED
        route = route_of(scope)
        self._metrics.request_done(route, status, record.finish_reason, wall_s)
        fields: dict[str, Any] = {
            "request_id": record.request_id,
            "method": scope.get("method", "WS"),
            "route": route,
            "status": status,
            "duration_ms": round(wall_s * 1_000, 1),
            "key": record.key_id,
            "model": record.model,
            "finish_reason": record.finish_reason,
            "audio_s": None if record.audio_s is None else round(record.audio_s, 2),
        }
        known = {name: value for name, value in fields.items() if value is not None}
        level = logging.DEBUG if scope["path"] in self._always_open else logging.INFO
        _LOG.log(level, "request", extra={"fields": known})


class _Answer:
    """Sends on, adds the id, and remembers the status."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self.request_id = request_id
        self.status: int | None = None

    async def __call__(self, message: Message) -> None:
        kind = message["type"]
        if kind in ("http.response.start", "websocket.http.response.start"):
            self.status = message["status"]
            MutableHeaders(scope=message).setdefault(HEADER, self.request_id)
        elif kind == "websocket.accept":
            self.status = 101
            MutableHeaders(scope=message).setdefault(HEADER, self.request_id)
        elif kind == "websocket.close" and self.status is None:
            self.status = 403
        await self._send(message)


def route_of(scope: Scope) -> str:
    """Returns the route's template, `/v1/models/{id}`: paths as given are too many to count."""
    route = scope.get("route")
    return route.path if isinstance(route, Route | WebSocketRoute) else _UNROUTED


def _stopping() -> ApiError:
    return ApiError(
        503,
        "server_error",
        "stopping",
        "this server is stopping and takes no new work; ask again in a moment.",
        retry_after_s=_RETRY_S,
    )
