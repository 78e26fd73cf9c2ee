"""Events off a socket, within limits: wyoming's own reader takes any length it is told."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from wyoming.event import Event

from intone.server.errors import INVALID_REQUEST, ApiError

MAX_LINE_BYTES = 65_536
"""Of the JSON line that begins an event; to be given to the stream reader."""


async def read_event(reader: asyncio.StreamReader, max_bytes: int) -> Event | None:
    """Returns the next event; None when the client is gone.

    Args:
        max_bytes: of the data of an event, and of its payload.

    Raises:
        ApiError: it is no event, or larger than allowed.
    """
    try:
        line = await reader.readline()
        if not line:
            return None
        header = _object(line)
        data = header.get("data") or {}
        data_bytes = await reader.readexactly(_length(header, "data_length", max_bytes))
        if data_bytes:
            data = {**data, **_object(data_bytes)}
        payload = await reader.readexactly(_length(header, "payload_length", max_bytes))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    except ValueError as error:  # what StreamReader says of a line that is too long
        raise _malformed() from error
    kind = header.get("type")
    if not isinstance(kind, str) or not isinstance(data, dict):
        raise _malformed()
    return Event(type=kind, data=data, payload=payload or None)


def _object(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _malformed() from error
    if not isinstance(value, dict):
        raise _malformed()
    return value


def _length(header: dict[str, Any], name: str, max_bytes: int) -> int:
    length = header.get(name) or 0
    if not isinstance(length, int) or length < 0:
        raise _malformed()
    if length > max_bytes:
        raise ApiError(
            413,
            INVALID_REQUEST,
            "message_too_large",
            f"{name} is {length}; allowed: {max_bytes}. Send the text in several synthesize-chunk.",
        )
    return length


def _malformed() -> ApiError:
    return ApiError(
        400, INVALID_REQUEST, "invalid_event", "this is no event of the Wyoming protocol."
    )
