"""Work for a client who may leave: it is cancelled when the connection is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

from starlette.requests import Request

Result = TypeVar("Result")


class ClientGoneError(asyncio.CancelledError):
    """Nobody is there to be answered."""


async def while_connected(request: Request, work: Coroutine[object, object, Result]) -> Result:
    """Returns what `work` does; cancels it as soon as the client has left.

    The body must have been read: what comes behind it is the departure.

    Raises:
        ClientGoneError: the client left.
    """
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientGoneError
        return working.result()
    finally:
        leaving.cancel()
        working.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
