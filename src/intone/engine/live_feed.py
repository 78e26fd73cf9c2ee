"""Text on its way from a task into a take that reads it while it runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

from intone.prompt.live_text import LiveText


class LiveFeed:
    """Feeds pieces of text to a live text; used on one event loop."""

    def __init__(self, live: LiveText, on_text: Callable[[], None]) -> None:
        """Binds the text.

        Args:
            on_text: called after every change, so that a take that waits for text goes on.
        """
        self.live = live
        self._on_text = on_text
        self._has_grown = asyncio.Event()
        self._failure: BaseException | None = None

    async def run(
        self, first: str, pieces: AsyncIterator[str], on_error: Callable[[BaseException], None]
    ) -> None:
        """Feeds `first` and every piece, then finishes the text.

        Args:
            on_error: told what the pieces raised, or what is wrong with them, instead.
        """
        try:
            self._feed(first)
            async for piece in pieces:
                self._feed(piece)
            self.live.finish()
            self._tell()
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # the task's border: whoever hears the take is told
            self._failure = error
            self._has_grown.set()
            on_error(error)

    async def wait_until(self, is_enough: Callable[[], bool]) -> None:
        """Returns when enough text is known; raises what the pieces raised before that."""
        while self._failure is None and not is_enough():
            self._has_grown.clear()
            await self._has_grown.wait()
        if self._failure is not None:
            raise self._failure

    def _feed(self, text: str) -> None:
        self.live.feed(text)
        self._tell()

    def _tell(self) -> None:
        self._has_grown.set()
        self._on_text()
