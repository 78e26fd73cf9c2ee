"""The jobs of one server: sent, listed, followed, deleted, and worked off in the background.

Routes call it on the event loop; the database and the disk are touched in threads. A worker runs
one job at a time in a thread of its own; every piece goes through admission and pool by itself.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

from intone.audio.durable import atomic_write_bytes
from intone.core.errors import OutputError
from intone.render.identity import Library
from intone.server.admission import Admission
from intone.server.background import Turn, background_turn
from intone.server.errors import INVALID_REQUEST, ApiError
from intone.server.jobs.job import Job, JobEvent, JobOrder
from intone.server.jobs.opened import OpenQueue, came
from intone.server.jobs.planning import plan_job
from intone.server.jobs.rendering import OUT, result_names
from intone.server.jobs.room import JobLimits, check_characters, check_room
from intone.server.jobs.signals import JobSignals
from intone.server.jobs.store import JobStore
from intone.server.jobs.worker import JobWorker
from intone.server.metrics import Metrics
from intone.server.models import ModelSource
from intone.server.pool import ModelPool
from intone.server.speech.outcome import TakeFigures

_CLEAN_EVERY_S = 3_600.0
_EVENTS_AT_ONCE = 200
_DAY_S = 86_400.0
ROUTE = "/v1/audio/jobs"
"""Under which its takes are counted."""
_MARK = ".intone-job"
"""In every folder of a job: nothing else is ever removed from the directory."""


class JobService:
    """Made before the server starts; `start` and `stop` are called on its event loop."""

    def __init__(
        self,
        directory: Path,
        limits: JobLimits,
        *,
        source: ModelSource,
        pool: ModelPool,
        admission: Admission,
        library: Library,
        metrics: Metrics,
        wall_clock: Callable[[], float],
        new_id: Callable[[], str],
        fingerprint: Callable[[str], str] = lambda _: "",
    ) -> None:
        """Touches no disk.

        Args:
            directory: of the queue and of every job's folder.
            wall_clock: seconds since 1970.
            new_id: returns a name that no other job has.
            fingerprint: of a model's weights by its name; where it changed, a job that was begun
                fails instead of going on with another voice.
        """
        self.directory = directory
        self._limits = limits
        self._source = source
        self._pool = pool
        self._admission = admission
        self._library = library
        self._metrics = metrics
        self._wall_clock = wall_clock
        self._new_id = new_id
        self._fingerprint = fingerprint
        self._open: OpenQueue | None = None

    @property
    def keep_days(self) -> float:
        """How long an ended job is kept."""
        return self._limits.keep_days

    async def start(self) -> None:
        """Opens the queue, goes on with what was running, and begins to work.

        Raises:
            OutputError: the directory cannot be written, or another server works on it.
        """
        if self._open is not None:
            return
        store = await asyncio.to_thread(JobStore, self.directory, self._wall_clock)
        await asyncio.to_thread(self._recover, store)
        opened = OpenQueue(store, JobSignals(asyncio.get_running_loop()), self._limits.workers)
        self._open = opened
        opened.tasks = [
            *(
                asyncio.create_task(self._worker(opened).work())
                for _ in range(self._limits.workers)
            ),
            asyncio.create_task(self._clean(opened)),
        ]

    async def stop(self) -> None:
        """Stops at the frame; jobs that ran are queued again. A second call does nothing."""
        opened, self._open = self._open, None
        if opened is None:
            return
        opened.is_stopping = True
        opened.signals.close()
        for running in opened.running.values():
            running.model.stop()
        for task in opened.tasks:
            task.cancel()
        await asyncio.gather(*opened.tasks, return_exceptions=True)
        await asyncio.to_thread(opened.threads.shutdown)
        await asyncio.to_thread(opened.planner.shutdown, cancel_futures=True)
        await asyncio.to_thread(opened.store.close)

    async def submit(
        self, key_id: str, order: JobOrder, source: bytes, *, limit_characters: int
    ) -> Job:
        """Returns a new job, planned and on the disk.

        Args:
            source: the document; what it unpacks to counts against the limit.

        Raises:
            RequestError: it cannot be served as it was sent; nothing is kept.
            ApiError: there is no room for another job.
        """
        opened = self._opened()
        can = await asyncio.to_thread(self._source.describe, order.model)
        job_id = self._new_id()

        def made() -> Job:
            folder = self.directory / job_id
            try:
                atomic_write_bytes(folder / _MARK, b"")
                atomic_write_bytes(folder / order.source, source)
                plan = plan_job(order, folder, can, self._library)
                check_characters(plan.num_characters, limit_characters)
                check_room(self.directory, opened.store, self._limits, plan.expected_s)
                job = Job(
                    id=job_id,
                    key_id=key_id,
                    order=order,
                    state="queued",
                    created_at=self._wall_clock(),
                    num_pieces=plan.num_pieces,
                )
                opened.store.add(job)
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise
            return job

        job = await asyncio.get_running_loop().run_in_executor(opened.planner, made)
        opened.wake()
        return job

    async def get(self, key_id: str, job_id: str) -> Job:
        """Returns a job of a key; raises ApiError (404) where it has none of that id."""
        job = await asyncio.to_thread(self._opened().store.get, job_id)
        if job is None or job.key_id != key_id:
            raise _no_job(job_id)
        return job

    async def jobs(self, key_id: str, limit: int) -> tuple[Job, ...]:
        """Returns the jobs of a key, the newest first."""
        store = self._opened().store
        return await asyncio.to_thread(lambda: store.all(key_id, limit=limit))

    async def remaining_s(self, job: Job) -> float | None:
        """Returns the seconds that a job will take, told with its last piece; None if unknown."""
        return await asyncio.to_thread(self._opened().store.remaining_s, job.id)

    async def files(self, job: Job) -> tuple[str, ...]:
        """Returns the names of the files that a job has so far."""
        return await asyncio.to_thread(result_names, self.directory / job.id)

    def file(self, job: Job, name: str) -> Path:
        """Returns one of `files`; the name is not looked at beyond that."""
        return self.directory / job.id / OUT / name

    async def delete(self, key_id: str, job_id: str) -> None:
        """Stops a job within a frame and removes it with its files.

        Raises:
            ApiError: the key has no such job (404).
        """
        opened = self._opened()
        await self.get(key_id, job_id)
        opened.stop(job_id)
        await asyncio.to_thread(opened.store.remove, job_id)
        opened.stop(job_id)  # it may have been started again before it was removed
        await opened.until_idle(job_id)
        await asyncio.to_thread(shutil.rmtree, self.directory / job_id, ignore_errors=True)
        opened.signals.tell(job_id)

    async def follow(
        self, job_id: str, after: int, rest_s: float
    ) -> AsyncIterator[JobEvent | None]:
        """Yields the events of a job behind a number as they come; None after each `rest_s`.

        Ends behind the last event, and when the job is deleted or the server stops.
        """
        opened = self._opened()
        with opened.signals.listening(job_id) as news:
            while not opened.signals.is_closed:
                news.clear()
                job = await asyncio.to_thread(opened.store.get, job_id)
                found = await asyncio.to_thread(opened.store.events, job_id, after, _EVENTS_AT_ONCE)
                for event in found:
                    yield event
                    after = event.number
                if job is None or (job.has_ended and not found):
                    return
                if not found and not await came(news, rest_s):
                    yield None

    def _worker(self, opened: OpenQueue) -> JobWorker:
        def turn_of(job: Job) -> Turn:
            return background_turn(
                self._admission, self._pool, key_id=job.key_id, model=job.order.model
            )

        return JobWorker(
            opened,
            self.directory,
            self._source,
            self._library,
            turn_of=turn_of,
            fingerprint=self._fingerprint,
            figures=partial(TakeFigures, self._metrics, ROUTE),
        )

    async def _clean(self, opened: OpenQueue) -> None:
        while True:
            before = self._wall_clock() - self._limits.keep_days * _DAY_S
            for job in await asyncio.to_thread(opened.store.ended_before, before):
                await asyncio.to_thread(opened.store.remove, job.id)
                await asyncio.to_thread(shutil.rmtree, self.directory / job.id, ignore_errors=True)
            await asyncio.sleep(_CLEAN_EVERY_S)

    def _recover(self, store: JobStore) -> None:
        store.recover()
        known = {job.id for job in store.all()}
        for mark in self.directory.glob(f"*/{_MARK}"):
            if mark.parent.name not in known:  # deleted, or never accepted, when the process ended
                shutil.rmtree(mark.parent, ignore_errors=True)

    def _opened(self) -> OpenQueue:
        if self._open is None:
            raise OutputError("jobs are not open; start the service first.")
        return self._open


def _no_job(job_id: str) -> ApiError:
    return ApiError(
        404,
        INVALID_REQUEST,
        "job_not_found",
        f"no job {job_id[:64]!r}; GET /v1/audio/jobs lists those of this key.",
        param="id",
    )
