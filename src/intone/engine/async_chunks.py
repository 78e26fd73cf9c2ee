"""The chunks of one request for a task: what the engine's threads emit, on the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable

from intone.core.types import AudioChunk
from intone.engine.delivery import Delivery
from intone.engine.take import Emit, Take

StartDraw = Callable[[int, Emit], Take]
"""Submits a draw with a seed; may take seconds, and runs on a thread of its own."""


class AsyncItems:
    """Carries items from any thread to one task; made on the task's event loop."""

    def __init__(self) -> None:
        self._event_loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[AudioChunk | BaseException] = asyncio.Queue()

    def emit(self, item: AudioChunk | BaseException) -> None:
        """Hands an item over; returns at once."""
        if not self._event_loop.is_closed():
            self._event_loop.call_soon_threadsafe(self._queue.put_nowait, item)

    async def get(self) -> AudioChunk:
        """Returns the next chunk; raises what was emitted in place of one."""
        item = await self._queue.get()
        if isinstance(item, BaseException):
            raise item
        return item


async def async_chunks(
    start: StartDraw, delivery: Delivery, items: AsyncItems
) -> AsyncGenerator[AudioChunk, None]:
    """Yields the chunks of a request without blocking the event loop; leaving early cancels."""
    take = await _started(start, delivery, items)
    try:
        while True:
            chunk = await items.get()
            if delivery.wants_another(chunk):
                take = await _started(start, delivery, items)
                continue
            yield delivery.passed_on(chunk)
            if chunk.is_last:
                return
    finally:
        take.cancel()


async def _started(start: StartDraw, delivery: Delivery, items: AsyncItems) -> Take:
    # Loading and prompt building may take seconds: not on the loop's thread.
    starting = asyncio.ensure_future(asyncio.to_thread(start, delivery.draws.seed, items.emit))
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        starting.add_done_callback(_cancel_started)  # nobody will hear it
        raise


def _cancel_started(starting: asyncio.Future[Take]) -> None:
    if not starting.cancelled() and starting.exception() is None:
        starting.result().cancel()
