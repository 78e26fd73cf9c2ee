"""The chunks of a request as a caller's thread takes them from the engine's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import Self

from intone.core.types import AudioChunk
from intone.engine.delivery import Delivery
from intone.engine.take import Emit, Take


class ChunkStream:
    """The chunks of one request, in order. Closing it early cancels the take within one frame."""

    def __init__(self, start: Callable[[int, Emit], Take], delivery: Delivery) -> None:
        """Starts the first draw.

        Args:
            start: submits a draw with a seed; called again where the guard wants another.
        """
        self._start = start
        self._delivery = delivery
        self._chunks: SimpleQueue[AudioChunk | BaseException] = SimpleQueue()
        self._is_done = True  # of a stream that cannot start, nothing is to be closed
        self._take = start(delivery.draws.seed, self._chunks.put)
        self._is_done = False

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> AudioChunk:
        if self._is_done:
            raise StopIteration
        chunk = self._get()
        while self._delivery.wants_another(chunk):
            self._take = self._start(self._delivery.draws.seed, self._chunks.put)
            chunk = self._get()
        self._is_done = chunk.is_last
        return self._delivery.passed_on(chunk)

    def _get(self) -> AudioChunk:
        item = self._chunks.get()
        if isinstance(item, BaseException):
            self._is_done = True
            raise item
        return item

    def cancel(self) -> None:
        """Asks for the end; the last chunk then says "cancelled"."""
        self._take.cancel()

    def close(self) -> None:
        """Cancels unless the take is over; nothing more is yielded."""
        if not self._is_done:
            self._is_done = True
            self._take.cancel()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()


def watched(
    chunks: SimpleQueue[AudioChunk | BaseException], watch: Callable[[AudioChunk], None] | None
) -> Iterator[AudioChunk]:
    """Yields the chunks of one draw; raises what ended it."""
    while True:
        item = chunks.get()
        if isinstance(item, BaseException):
            raise item
        if watch is not None:
            watch(item)
        yield item
        if item.is_last:
            return
