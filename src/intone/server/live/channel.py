"""One WebSocket as a live session sees it: messages in, events and sound out, both bounded."""

from __future__ import annotations

import asyncio
import base64
import json

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from intone.server.errors import INVALID_REQUEST, ApiError
from intone.server.live.events import ServerEvent

NORMAL, GOING_AWAY, REFUSED, FAILED, TRY_AGAIN = 1000, 1001, 1008, 1011, 1013
"""Codes of RFC 6455, section 7.4.1, and of IANA's registry."""


class SlowReaderError(Exception):
    """The client takes nothing any more."""


class Channel:
    """An accepted WebSocket. What it sends waits until the client takes it: nothing piles up."""

    def __init__(self, socket: WebSocket, *, max_message_bytes: int, max_wait_s: float) -> None:
        """Wraps the socket.

        Args:
            max_message_bytes: of a message from the client.
            max_wait_s: how long a message to the client may wait for it.
        """
        self._socket = socket
        self._max_message_bytes = max_message_bytes
        self._max_wait_s = max_wait_s
        self._turn = asyncio.Lock()

    async def receive(self) -> str:
        """Returns the next message.

        Raises:
            WebSocketDisconnect: the client is gone.
            ApiError: it is binary, or too large.
        """
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message["code"], message.get("reason"))
        text = message.get("text")
        if text is None:
            raise ApiError(
                400,
                INVALID_REQUEST,
                "invalid_event",
                "a binary message came; events are JSON in text messages.",
            )
        num_bytes = len(text.encode("utf-8", "surrogatepass"))
        if num_bytes > self._max_message_bytes:
            raise ApiError(
                413,
                INVALID_REQUEST,
                "message_too_large",
                f"the message has {num_bytes} bytes; allowed: {self._max_message_bytes}. Send the "
                "text in several input.text.",
            )
        return str(text)

    async def send_event(self, event: ServerEvent) -> None:
        """Sends an event as JSON; raises SlowReaderError or WebSocketDisconnect."""
        await self._send({"text": json.dumps(event, ensure_ascii=False)})

    async def send_sound(self, data: bytes, *, as_event: bool) -> None:
        """Sends encoded sound, as a message of its own or in an event; raises as `send_event`."""
        if as_event:
            audio = base64.b64encode(data).decode("ascii")
            await self.send_event({"type": "audio.delta", "audio": audio})
        else:
            await self._send({"bytes": data})

    async def close(self, code: int, reason: str = "") -> None:
        """Closes the socket; one that is closed already stays so."""
        if self._socket.application_state is not WebSocketState.CONNECTED:
            return
        try:
            async with asyncio.timeout(self._max_wait_s):
                await self._socket.close(code, reason)
        except (TimeoutError, RuntimeError, WebSocketDisconnect):
            return  # nobody is there to be told

    async def _send(self, content: dict[str, str | bytes]) -> None:
        try:
            async with self._turn, asyncio.timeout(self._max_wait_s):
                await self._socket.send({"type": "websocket.send", **content})
        except TimeoutError:
            raise SlowReaderError from None
