"""Text that is spoken while it is written, over the WebSocket of Intone's server.

Its events are those of `docs/serve.md`, in token mode: the whole text is one take.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from intone.core.errors import MissingDependencyError, RemoteError, UnsupportedModeError
from intone.core.types import AudioChunk
from intone.remote.address import SPEECH, Address, trusted
from intone.remote.bodies import Body
from intone.remote.decoding import End, PcmDecoder, end_of
from intone.remote.problems import error_of_answer, error_of_event
from intone.remote.taking import IncomingTake

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

_CLOSE_S = 1.0
"""Whoever leaves does not wait for a server that does not say goodbye."""

_KEPT_FIELDS = frozenset(
    {"model", "voice", "instructions", "language", "speed", "seed", "max_frames", "chunk_frames"}
    | {"temperature", "top_k", "top_p", "repetition_penalty"}
)


class LiveDecoder:
    """Binary messages of PCM; the event that ends them says how the take ended."""

    def __init__(self) -> None:
        self._pcm = PcmDecoder()
        self.feed = self._pcm.feed
        self.end: End | None = None

    def finish(self) -> End:
        """Returns how it ended; raises RemoteError where it is not whole."""
        if self.end is None:
            raise RemoteError("the connection ended before the take did; ask again.")
        self._pcm.finish()
        return self.end


def live_config(body: Body) -> Body:
    """Returns the first event of a session that speaks a body's request as one take.

    Raises:
        UnsupportedModeError: its voice is a clip, which sessions do not take.
    """
    if "ref_audio" in body:
        raise UnsupportedModeError(
            "live text takes no clips; keep the voice on the server (POST /v1/audio/voices), and "
            "name it."
        )
    kept = {name: value for name, value in body.items() if name in _KEPT_FIELDS}
    return {"type": "session.config", "mode": "token", "normalise": "off", **kept}


async def live_chunks(
    address: Address,
    config: Body,
    first: str,
    pieces: AsyncIterator[str],
    take: IncomingTake,
    decoder: LiveDecoder,
) -> AsyncGenerator[AudioChunk, None]:
    """Yields the chunks of a take whose text arrives in pieces; leaving hangs up.

    Args:
        decoder: of the take.

    Raises:
        MissingDependencyError: websockets is not installed.
        RemoteError: nobody answers, or the connection breaks off.
        IntoneError: the server's own error, or what the pieces raise.
    """
    async with _connected(address) as connection:
        await connection.send(json.dumps(config))
        feeding = asyncio.create_task(_feed(connection, first, pieces))
        try:
            async for chunk in _heard(connection, take, decoder, feeding):
                yield chunk
        finally:
            feeding.cancel()
            await asyncio.gather(feeding, return_exceptions=True)


async def _feed(connection: ClientConnection, first: str, pieces: AsyncIterator[str]) -> None:
    await connection.send(json.dumps({"type": "input.text", "text": first}))
    async for piece in pieces:
        if piece:
            await connection.send(json.dumps({"type": "input.text", "text": piece}))
    await connection.send(json.dumps({"type": "input.done"}))


async def _heard(
    connection: ClientConnection,
    take: IncomingTake,
    decoder: LiveDecoder,
    feeding: asyncio.Task[None],
) -> AsyncIterator[AudioChunk]:
    """Yields chunks until the take is over; what the pieces raise ends it at once."""
    from websockets.exceptions import ConnectionClosed

    while decoder.end is None:
        try:
            message = await _next(connection, feeding)
        except ConnectionClosed as error:
            raise RemoteError(
                f"the server hung up after {take.heard_s:.2f} s of audio ({error}); ask again."
            ) from error
        if isinstance(message, bytes):
            chunk = take.feed(message)
            if chunk is not None:
                yield chunk
        else:
            _note(json.loads(message), decoder)
    yield take.finish()


async def _next(connection: ClientConnection, feeding: asyncio.Task[None]) -> str | bytes:
    receiving = asyncio.ensure_future(connection.recv())
    try:
        waited = {receiving} if feeding.done() else {receiving, feeding}
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        if feeding.done():
            feeding.result()
        return await receiving
    finally:
        receiving.cancel()


def _note(event: Mapping[str, object], decoder: LiveDecoder) -> None:
    if event.get("type") == "error":
        raise error_of_event(event)
    if event.get("type") == "audio.done":
        decoder.end = end_of(event)


@asynccontextmanager
async def _connected(address: Address) -> AsyncIterator[ClientConnection]:
    try:
        from websockets.asyncio.client import connect
        from websockets.exceptions import InvalidHandshake, InvalidStatus
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            "live text needs websockets; install intone[server]."
        ) from error
    url = f"ws{address.url.removeprefix('http')}{SPEECH}/stream"
    headers = {} if address.api_key is None else {"Authorization": f"Bearer {address.api_key}"}
    connecting = connect(
        url,
        additional_headers=headers,
        ssl=trusted() if url.startswith("wss") else None,
        compression=None,
        open_timeout=address.connect_s,
        close_timeout=_CLOSE_S,
        max_size=None,
    )
    try:
        connection = await connecting
    except InvalidStatus as error:
        answer = error.response
        kind = answer.headers.get("Content-Type", "")
        raise error_of_answer(answer.status_code, kind, bytes(answer.body or b"")) from error
    except (OSError, TimeoutError, InvalidHandshake) as error:
        raise RemoteError(
            f"{address.url}: no WebSocket answers there; start it (intone serve), or check the "
            f"address ({error})."
        ) from error
    try:
        yield connection
    finally:
        await connection.close()
