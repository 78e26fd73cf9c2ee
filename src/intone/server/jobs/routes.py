"""`/v1/audio/jobs`: long texts, scripts and books, spoken in the background."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import PurePath
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import FileResponse, JSONResponse, Response, StreamingResponse

from intone.server.auth import Caller, caller_of
from intone.server.errors import INVALID_REQUEST, ApiError
from intone.server.jobs.bodies import (
    ANSWER_EXAMPLE,
    EVENTS_EXAMPLE,
    EXAMPLE,
    SCRIPT_EXAMPLE,
    JobBody,
    JobSettings,
    job_body,
)
from intone.server.jobs.job import JOB_FORMATS, Job, JobEvent
from intone.server.jobs.sending import order_of, read_sent_job
from intone.server.jobs.service import JobService
from intone.server.lifecycle import Lifecycle
from intone.server.services import Services, services_of

router = APIRouter(prefix="/v1/audio/jobs", tags=["jobs"])

_LOOK_S = 0.5
"""How soon a stream without news sees that the server is stopping."""
_QUIET_LOOKS = 30
"""A comment after so many keeps proxies from closing a stream that has no news."""
_MEDIA_TYPES = {
    "wav": "audio/wav",
    "flac": "audio/flac",
    "mp3": "audio/mpeg",
    "ogg": "audio/ogg",
    "srt": "application/x-subrip",
    "vtt": "text/vtt",
    "json": "application/json",
}
_ANSWER: dict[str, Any] = {"content": {"application/json": {"example": ANSWER_EXAMPLE}}}
_FORM = JobSettings.model_json_schema()
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": JobBody.model_json_schema(),
                "examples": {"text": {"value": EXAMPLE}, "script": {"value": SCRIPT_EXAMPLE}},
            },
            "multipart/form-data": {
                "schema": {
                    **_FORM,
                    "properties": {
                        **_FORM["properties"],
                        "file": {"type": "string", "format": "binary"},
                    },
                    "required": ["file"],
                }
            },
        },
    }
}


def _jobs_of(services: Annotated[Services, Depends(services_of)]) -> JobService:
    if services.jobs is None:
        raise ApiError(
            404,
            INVALID_REQUEST,
            "no_jobs",
            "this server takes no jobs (its setting jobs.enabled is false).",
        )
    return services.jobs


Jobs = Annotated[JobService, Depends(_jobs_of)]
Who = Annotated[Caller, Depends(caller_of)]


@router.post("", status_code=202, openapi_extra=_BODY, responses={202: _ANSWER})
async def send_job(
    request: Request,
    jobs: Jobs,
    caller: Who,
    services: Annotated[Services, Depends(services_of)],
) -> JSONResponse:
    """Takes a text, a script or a document; answers at once with the job.

    JSON, or a form with a document (.txt, .md, .epub) under `file`. What is wrong with the text,
    its tags, its cast or its voices is told now, not when it is spoken.
    """
    limit_characters = services.settings.limits.job_characters
    sent = await read_sent_job(request, limit_characters)
    order = await asyncio.to_thread(order_of, sent, services)
    job = await jobs.submit(caller.key_id, order, sent.source, limit_characters=limit_characters)
    return JSONResponse(
        job_body(job, ()), status_code=202, headers={"Location": f"/v1/audio/jobs/{job.id}"}
    )


@router.get("")
async def list_jobs(
    jobs: Jobs, caller: Who, limit: Annotated[int, Query(ge=1, le=1_000)] = 100
) -> dict[str, object]:
    """Lists the jobs of this key, the newest first."""
    found = await jobs.jobs(caller.key_id, limit)
    data = [job_body(job, await jobs.files(job)) for job in found]
    return {"object": "list", "data": data}


@router.get("/{id}", responses={200: _ANSWER})
async def get_job(id: str, jobs: Jobs, caller: Who) -> dict[str, object]:
    """Tells how far a job is."""
    job = await jobs.get(caller.key_id, id)
    return job_body(job, await jobs.files(job))


@router.delete("/{id}")
async def delete_job(id: str, jobs: Jobs, caller: Who) -> dict[str, object]:
    """Stops a job within a frame, and removes it with everything that it made."""
    await jobs.delete(caller.key_id, id)
    return {"id": id, "object": "audio.job", "deleted": True}


@router.get(
    "/{id}/events",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"example": EVENTS_EXAMPLE}}}},
)
async def follow_job(
    id: str,
    jobs: Jobs,
    caller: Who,
    services: Annotated[Services, Depends(services_of)],
    last_event_id: Annotated[str | None, Header()] = None,
) -> Response:
    """Sends what happens to a job as server-sent events, from its beginning.

    `progress`, `segment`, then `done` or `failed`, each with an id; `Last-Event-ID` goes on behind
    the last one that was seen, over restarts of the server too.
    """
    job = await jobs.get(caller.key_id, id)
    after = _event_number(last_event_id)
    return StreamingResponse(
        _sent_events(jobs.follow(job.id, after, _LOOK_S), services.lifecycle),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
    )


@router.get(
    "/{id}/result",
    response_class=FileResponse,
    responses={200: {"content": {"audio/*": {}}}, 409: {"description": "not done, or many files"}},
)
async def get_result(id: str, jobs: Jobs, caller: Who) -> FileResponse:
    """Returns the audio of a job that became one file."""
    job, names = await _finished(id, jobs, caller)
    audio = [name for name in names if _suffix(name) in JOB_FORMATS]
    if len(audio) != 1:
        raise ApiError(
            409,
            INVALID_REQUEST,
            "many_files",
            f"job {id!r} has {len(audio)} audio files; ask for one of them: "
            "/v1/audio/jobs/{id}/result/{name}, as the job lists them.",
        )
    return _file(jobs, job, audio[0])


@router.get(
    "/{id}/result/{name}",
    response_class=FileResponse,
    responses={200: {"content": {"audio/*": {}, "text/*": {}, "application/json": {}}}},
)
async def get_file(id: str, name: str, jobs: Jobs, caller: Who) -> FileResponse:
    """Returns one file of a job: audio, subtitles (.srt, .vtt) or the manifest."""
    job, names = await _finished(id, jobs, caller)
    if name not in names:
        raise ApiError(
            404,
            INVALID_REQUEST,
            "file_not_found",
            f"job {id!r} has no file {name[:80]!r}; it has: {', '.join(names)}.",
            param="name",
        )
    return _file(jobs, job, name)


async def _finished(id: str, jobs: JobService, caller: Caller) -> tuple[Job, tuple[str, ...]]:
    job = await jobs.get(caller.key_id, id)
    if job.state != "done":
        raise ApiError(
            409,
            INVALID_REQUEST,
            "not_done",
            f"job {id!r} is {job.state}; its files are there when it is done (follow /events).",
        )
    return job, await jobs.files(job)


def _file(jobs: JobService, job: Job, name: str) -> FileResponse:
    media_type = _MEDIA_TYPES.get(_suffix(name), "application/octet-stream")
    return FileResponse(jobs.file(job, name), media_type=media_type, filename=name)


def _suffix(name: str) -> str:
    return PurePath(name).suffix.removeprefix(".")


def _event_number(given: str | None) -> int:
    if given is None:
        return 0
    if not (given.isascii() and given.isdigit() and len(given) < 16):
        raise ApiError(
            400,
            INVALID_REQUEST,
            "invalid_value",
            f"Last-Event-ID is {given[:40]!r}; send the id of the last event that you saw.",
            param="Last-Event-ID",
        )
    return int(given)


async def _sent_events(
    events: AsyncIterator[JobEvent | None], lifecycle: Lifecycle
) -> AsyncIterator[str]:
    """Yields events as they are sent; ends when the server drains: clients come back."""
    yield "retry: 2000\n\n"
    quiet_looks = 0
    async for event in events:
        if event is not None:
            quiet_looks = 0
            data = json.dumps(json.loads(event.data))  # on one line, whatever it is
            yield f"id: {event.number}\nevent: {event.type}\ndata: {data}\n\n"
            continue
        if lifecycle.phase == "draining":
            return
        quiet_looks += 1
        if quiet_looks % _QUIET_LOOKS == 0:
            yield ": still here\n\n"
