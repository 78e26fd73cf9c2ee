"""Models for the drawing thread, which cannot ask for them itself: only the event loop may."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from intone.studio.desk import Desk, ThreadModel


def designers(desk: Desk, key_id: str, model: str | None) -> Callable[[], ThreadModel] | None:
    """Returns what opens a model that designs, from any thread; None where there is none here.

    Call it on the event loop.
    """
    if model is None:
        return None
    loop = asyncio.get_running_loop()

    async def in_thread() -> ThreadModel:
        return desk.models.in_thread(key_id, model)

    return lambda: asyncio.run_coroutine_threadsafe(in_thread(), loop).result()
