"""Work that a page waits for: it hears every half second that it is still going on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TypeVar

Result = TypeVar("Result")

_TOLD_EVERY_S = 0.5


async def following(work: asyncio.Future[Result]) -> AsyncIterator[None]:
    """Yields at once and then from time to time, until the work is over, well or not.

    Whoever leaves in between cancels it.
    """
    try:
        yield
        while not (await asyncio.wait({work}, timeout=_TOLD_EVERY_S))[0]:
            yield
    finally:
        if not work.done():
            work.cancel()
