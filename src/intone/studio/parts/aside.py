"""Work that blocks, beside the event loop, in a thread of its own.

The loop's shared threads are few, and models need them: work that waits for a model there could
wait for itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")


async def aside(work: Callable[[], Result]) -> Result:
    """Returns what `work` returns; raises what it raises. It runs on when the caller leaves."""
    threads = ThreadPoolExecutor(1, thread_name_prefix="intone-studio")
    try:
        return await asyncio.get_running_loop().run_in_executor(threads, work)
    finally:
        threads.shutdown(wait=False)


async def held(work: Callable[[], Result]) -> Result:
    """Returns what `work` returns; raises what it raises. A caller who leaves waits for its end.

    For work with something borrowed, such as a leased model, which must not be given back before.
    """
    running = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait({running})
        raise
