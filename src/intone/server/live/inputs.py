"""What a writer sends of one text: pieces, flushes, and its end. One writer, one reader."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from enum import Enum, auto

from intone.server.errors import INVALID_REQUEST, ApiError


class Mark(Enum):
    """What is no text."""

    FLUSH = auto()
    """Speak what is there."""
    END = auto()


class TextTimeoutError(ApiError):
    """The writer neither wrote nor ended its text for too long."""

    def __init__(self, waited_s: float) -> None:
        super().__init__(
            408,
            INVALID_REQUEST,
            "text_timeout",
            f"no text came for {waited_s:g} s while it was being spoken, so it was taken to be "
            "over; send input.done when a text ends.",
        )


class TextInputs:
    """One text on its way to whoever speaks it."""

    def __init__(self, *, max_characters: int) -> None:
        """Begins an empty text.

        Args:
            max_characters: of the whole text; more is refused.
        """
        self._queue: asyncio.Queue[str | Mark] = asyncio.Queue()
        self._max_characters = max_characters
        self.num_characters = 0
        self.is_ended = False
        self.has_timed_out = False
        """The reader gave up waiting."""

    def feed(self, text: str) -> None:
        """Appends a piece.

        Raises:
            ApiError: the text gets longer than allowed; this piece is not part of it.
        """
        total = self.num_characters + len(text)
        if total > self._max_characters:
            raise ApiError(
                413,
                INVALID_REQUEST,
                "text_too_long",
                f"the text would have {total} characters; allowed: {self._max_characters}. End it "
                "with input.done and begin another.",
                param="text",
            )
        self.num_characters = total
        self._queue.put_nowait(text)

    def flush(self) -> None:
        """Asks to speak what is there."""
        self._queue.put_nowait(Mark.FLUSH)

    def end(self) -> None:
        """Ends the text; a second call does nothing."""
        if not self.is_ended:
            self.is_ended = True
            self._queue.put_nowait(Mark.END)

    async def next(self, timeout_s: float) -> str | Mark:
        """Returns what comes next; raises TimeoutError."""
        async with asyncio.timeout(timeout_s):
            return await self._queue.get()

    async def pieces(self, timeout_s: float) -> AsyncIterator[str]:
        """Yields text until its end, or until nothing came for so long (`has_timed_out`)."""
        while True:
            try:
                item = await self.next(timeout_s)
            except TimeoutError:
                self.has_timed_out = True
                return
            if item is Mark.END:
                return
            if isinstance(item, str):
                yield item
