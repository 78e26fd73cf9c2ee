"""The jobs of the studio: those of the server, as the page shows them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from intone.runtime.rng import fresh_seed
from intone.server.jobs.job import Job, JobOrder
from intone.server.jobs.service import JobService
from intone.studio.desk import JobView, JobWish

_MAX_SHOWN = 1_000


class StudioJobs:
    """Implements the studio's `JobDesk` with a server's jobs."""

    def __init__(self, jobs: JobService, limit_characters: int) -> None:
        self._jobs = jobs
        self._limit_characters = limit_characters

    def keep_days(self) -> float:
        return self._jobs.keep_days

    async def submit(self, key_id: str, wish: JobWish, source: bytes) -> JobView:
        job = await self._jobs.submit(
            key_id, _order(wish), source, limit_characters=self._limit_characters
        )
        return _view(job)

    async def jobs(self, key_id: str) -> tuple[JobView, ...]:
        return tuple([await self._seen(job) for job in await self._jobs.jobs(key_id, _MAX_SHOWN)])

    async def get(self, key_id: str, job_id: str) -> JobView:
        return await self._seen(await self._jobs.get(key_id, job_id))

    async def files(self, key_id: str, job_id: str) -> dict[str, Path]:
        job = await self._jobs.get(key_id, job_id)
        return {name: self._jobs.file(job, name) for name in await self._jobs.files(job)}

    async def delete(self, key_id: str, job_id: str) -> None:
        await self._jobs.delete(key_id, job_id)

    async def _seen(self, job: Job) -> JobView:
        if job.state != "running":
            return _view(job)
        return replace(_view(job), remaining_s=await self._jobs.remaining_s(job))


def _order(wish: JobWish) -> JobOrder:
    return JobOrder(
        kind=wish.kind,
        source=wish.source,
        title=wish.title,
        model=wish.model,
        voice=wish.voice,
        seed=fresh_seed() if wish.seed is None else wish.seed,
        language=wish.language,
        instruct=wish.instruct,
        speed=wish.speed,
        format=wish.format,
        one_file=wish.one_file,
        loudness_lufs=wish.loudness_lufs,
    )


def _view(job: Job) -> JobView:
    order = job.order
    return JobView(
        id=job.id,
        wish=JobWish(
            kind=order.kind,
            source=order.source,
            title=order.title,
            model=order.model,
            voice=order.voice,
            language=order.language,
            instruct=order.instruct,
            seed=order.seed,
            speed=order.speed,
            format=order.format,
            one_file=order.one_file,
            loudness_lufs=order.loudness_lufs,
        ),
        state=job.state,
        num_done=job.num_done,
        num_pieces=job.num_pieces,
        audio_s=job.audio_s,
        created_at=job.created_at,
        started_at=job.started_at,
        ended_at=job.ended_at,
        problem=None if job.problem is None else job.problem.message,
    )
