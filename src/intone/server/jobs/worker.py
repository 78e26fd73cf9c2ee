"""Works a queue off: one job at a time, in a thread of its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from intone.core.errors import IntoneError, OutputError
from intone.render.identity import Library
from intone.server.background import BackgroundModel, Turn
from intone.server.jobs.job import Job
from intone.server.jobs.opened import OpenQueue, came
from intone.server.jobs.outcome import REST_S, keep_end
from intone.server.jobs.running import RunningJob
from intone.server.models import ModelSource
from intone.server.speech.outcome import TakeFigures

_LOG = logging.getLogger("intone.server.jobs")


class JobWorker:
    """One of the workers of a queue."""

    def __init__(
        self,
        opened: OpenQueue,
        directory: Path,
        source: ModelSource,
        library: Library,
        *,
        turn_of: Callable[[Job], Turn],
        fingerprint: Callable[[str], str],
        figures: Callable[[], TakeFigures],
    ) -> None:
        """Takes the queue, and what a job needs.

        Args:
            directory: of every job's folder.
            turn_of: what holds a place and a model for one take of a job.
            fingerprint: of a model's weights, by its name.
            figures: made for every take.
        """
        self._opened = opened
        self._directory = directory
        self._source = source
        self._library = library
        self._turn_of = turn_of
        self._fingerprint = fingerprint
        self._figures = figures

    async def work(self) -> None:
        """Works off the queue until the service stops; a queue that fails is tried again."""
        while not self._opened.is_stopping:
            news = self._opened.changed  # before looking: what comes while it looks wakes it too
            job: Job | None = None
            try:
                job = await asyncio.to_thread(self._opened.store.claim)
                if job is not None:
                    await self._run(job)
                else:
                    wait_s = await asyncio.to_thread(self._opened.store.next_start_in_s)
                    await came(news, wait_s)
            except OutputError as error:
                _LOG.error("%s", error)
                await self._give_back(job)

    async def _give_back(self, job: Job | None) -> None:
        """Returns when the queue works again and the job, if there is one, waits in it."""
        while True:
            await asyncio.sleep(REST_S)
            try:
                now = (
                    None if job is None else await asyncio.to_thread(self._opened.store.get, job.id)
                )
                if now is not None and now.state == "running":
                    await asyncio.to_thread(
                        self._opened.store.put_back, now.id, was_attempt=True, problem=None
                    )
            except OutputError:
                continue
            return

    async def _run(self, job: Job) -> None:
        event_loop = asyncio.get_running_loop()
        try:
            can = await asyncio.to_thread(self._source.describe, job.order.model)
        except IntoneError as error:
            await asyncio.to_thread(keep_end, self._opened.store, job.id, error)
            self._opened.signals.tell(job.id)
            return
        running = RunningJob(
            job=job,
            folder=self._directory / job.id,
            model=BackgroundModel(event_loop, can, self._turn_of(job), self._figures),
            library=self._library,
            fingerprint=self._fingerprint,
            store=self._opened.store,
            told=self._opened.signals.tell_soon,
        )
        self._opened.running[job.id] = running
        if await asyncio.to_thread(self._opened.store.get, job.id) is None:
            self._opened.ended(job.id)  # deleted between its claim and now
            return
        work = event_loop.run_in_executor(self._opened.threads, running.run)
        try:
            await asyncio.wait([work])
        except asyncio.CancelledError:
            running.model.stop()
            await asyncio.wait([work])
            raise
        finally:
            self._opened.ended(job.id)
        crash = work.exception()
        if isinstance(crash, OutputError):  # the queue failed, not the job
            raise crash
        if crash is not None:
            await asyncio.to_thread(running.crashed, crash)
