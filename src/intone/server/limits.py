"""How much a request may bring: bodies are counted as they arrive, whatever their header says."""

from __future__ import annotations

import asyncio
import time

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from intone.core.byte_sizes import format_bytes
from intone.server.errors import INVALID_REQUEST, ApiError
from intone.server.refusal import refuse
from intone.server.sections import LimitsSection


class BodyLimit:
    """Refuses a body that is too large with 413, before it is in memory."""

    def __init__(self, app: ASGIApp, limits: LimitsSection) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        limit_bytes = self._limit_bytes(headers)
        declared = headers.get("content-length", "")
        if declared.isdigit() and int(declared) > limit_bytes:
            await refuse(too_large(int(declared), limit_bytes), scope, receive, send)
            return
        await self._app(scope, _Counted(receive, limit_bytes, self._limits.body_s), send)

    def _limit_bytes(self, headers: Headers) -> int:
        is_upload = headers.get("content-type", "").lower().startswith("multipart/")
        return self._limits.upload if is_upload else self._limits.body


class _Counted:
    """Receives, and raises at the byte that is one too many, or when the last one is too late."""

    def __init__(self, receive: Receive, limit_bytes: int, limit_s: float) -> None:
        self._receive = receive
        self._limit_bytes = limit_bytes
        self._limit_s = limit_s
        self._due_s: float | None = time.monotonic() + limit_s
        self._seen_bytes = 0

    async def __call__(self) -> Message:
        message = await self._next()
        if message["type"] == "http.request":
            self._seen_bytes += len(message.get("body", b""))
            if not message.get("more_body", False):
                self._due_s = None  # what comes next is the caller leaving, whenever that is
            if self._seen_bytes > self._limit_bytes:
                # Body parsers pass this kind on; any other they would call a broken body.
                raise HTTPException(413, too_large(self._seen_bytes, self._limit_bytes).message)
        return message

    async def _next(self) -> Message:
        if self._due_s is None:
            return await self._receive()
        try:
            async with asyncio.timeout(max(0.0, self._due_s - time.monotonic())):
                return await self._receive()
        except TimeoutError:
            raise HTTPException(
                408, f"the body did not arrive within {self._limit_s:g} s; send it faster."
            ) from None


def too_large(num_bytes: int, limit_bytes: int) -> ApiError:
    """Returns the refusal of a body, with both numbers."""
    return ApiError(
        413,
        INVALID_REQUEST,
        "body_too_large",
        f"the body has {format_bytes(num_bytes)} or more; allowed: {format_bytes(limit_bytes)}. "
        "Send less, or ask whoever runs this server for a larger limit.",
    )


def check_text(text: str, limit_characters: int, param: str = "input") -> None:
    """Raises ApiError(413) for a text beyond a limit of the settings."""
    if len(text) > limit_characters:
        raise ApiError(
            413,
            INVALID_REQUEST,
            "text_too_long",
            f"the text has {len(text)} characters; allowed: {limit_characters}. Cut it, or make a "
            "job of it (POST /v1/audio/jobs).",
            param=param,
        )
