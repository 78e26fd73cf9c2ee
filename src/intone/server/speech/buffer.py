"""Bytes between who makes them and who sends them: neither waits for the other while there is room.

A reader who plays what it reads takes as long as the sound lasts; the engine is done long before.
So the maker runs ahead, up to a limit, and is told when it should pause.
"""

from __future__ import annotations

import asyncio
from collections import deque


class ByteBuffer:
    """One stream of bytes, for one maker and one sender on the same event loop."""

    def __init__(self, limit_bytes: int | None) -> None:
        """Starts empty.

        Args:
            limit_bytes: beyond it `is_full`; what is put all the same is kept. None: never full.
        """
        self._limit_bytes = limit_bytes
        self._parts: deque[bytes] = deque()
        self._num_bytes = 0
        self._is_over = False
        self._error: BaseException | None = None
        self._changed = asyncio.Event()

    @property
    def is_endless(self) -> bool:
        """Whether it holds whatever comes: nothing is sent before the end."""
        return self._limit_bytes is None

    @property
    def is_full(self) -> bool:
        """Whether the maker should pause before it begins something new."""
        return self._limit_bytes is not None and self._num_bytes > self._limit_bytes

    def put(self, data: bytes) -> None:
        """Adds bytes; none are no part."""
        if data:
            self._parts.append(data)
            self._num_bytes += len(data)
            self._changed.set()

    def end(self, error: BaseException | None = None) -> None:
        """Says that nothing more comes, and why where something went wrong."""
        self._is_over, self._error = True, error
        self._changed.set()

    async def room(self) -> None:
        """Waits until less than half of the limit is left to be sent."""
        while self._num_bytes > (self._limit_bytes or 0) // 2:
            await self._change()

    async def next(self) -> bytes | None:
        """Returns the next part, or None at the end; raises the error that ended it."""
        while not self._parts:
            if self._error is not None:
                raise self._error
            if self._is_over:
                return None
            await self._change()
        part = self._parts.popleft()
        self._num_bytes -= len(part)
        self._changed.set()
        return part

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()
