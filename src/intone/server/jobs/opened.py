"""What a service of jobs holds between its start and its stop."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from intone.server.jobs.running import RunningJob
from intone.server.jobs.signals import JobSignals
from intone.server.jobs.store import JobStore


class OpenQueue:
    """On the event loop's thread; the store may be called from any."""

    def __init__(self, store: JobStore, signals: JobSignals, workers: int) -> None:
        self.store = store
        self.signals = signals
        self.threads = ThreadPoolExecutor(workers, thread_name_prefix="intone-job")
        self.planner = ThreadPoolExecutor(1, thread_name_prefix="intone-job-plan")
        """Reads what is sent, one after the other: a long book takes seconds."""
        self.running: dict[str, RunningJob] = {}
        self.tasks: list[asyncio.Task[None]] = []
        self.is_stopping = False
        self.changed = asyncio.Event()

    def wake(self) -> None:
        """Lets every worker look again, and those who wait for an end."""
        changed, self.changed = self.changed, asyncio.Event()
        changed.set()

    def stop(self, job_id: str) -> None:
        """Stops a job within a frame, where it runs."""
        running = self.running.get(job_id)
        if running is not None:
            running.model.stop()

    def ended(self, job_id: str) -> None:
        """Takes a job off those that run."""
        del self.running[job_id]
        self.wake()

    async def until_idle(self, job_id: str) -> None:
        """Returns when a job does not run."""
        while job_id in self.running:
            await self.changed.wait()


async def came(event: asyncio.Event, wait_s: float | None) -> bool:
    """Waits for an event; returns False where it did not come in time."""
    try:
        async with asyncio.timeout(wait_s):
            await event.wait()
    except TimeoutError:
        return False
    return True
