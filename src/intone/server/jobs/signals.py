"""Wakes those who wait for news of a job; what the news is stands in the store."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class JobSignals:
    """One event per listener; on the event loop's thread, `tell_soon` apart."""

    def __init__(self, event_loop: asyncio.AbstractEventLoop) -> None:
        self._event_loop = event_loop
        self._listeners: dict[str, set[asyncio.Event]] = {}
        self.is_closed = False

    @contextmanager
    def listening(self, job_id: str) -> Iterator[asyncio.Event]:
        """Yields an event that is set whenever something happened to a job; clear it first."""
        event = asyncio.Event()
        listeners = self._listeners.setdefault(job_id, set())
        listeners.add(event)
        try:
            yield event
        finally:
            listeners.discard(event)
            if not listeners and self._listeners.get(job_id) is listeners:
                del self._listeners[job_id]

    def tell(self, job_id: str) -> None:
        """Wakes the listeners of a job."""
        for event in self._listeners.get(job_id, ()):
            event.set()

    def tell_soon(self, job_id: str) -> None:
        """Wakes the listeners of a job, from any thread."""
        self._event_loop.call_soon_threadsafe(self.tell, job_id)

    def close(self) -> None:
        """Wakes everybody for the last time."""
        self.is_closed = True
        for job_id in tuple(self._listeners):
            self.tell(job_id)
