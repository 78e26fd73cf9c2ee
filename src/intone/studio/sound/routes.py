"""The sound of a performance over HTTP, beside Gradio and not through it: no queue in between.

`POST /live/ID` with the fields of the page answers with 16-bit samples as they are made. Leaving it
ends the performance. `POST /live/ID/stop` ends it where a proxy would keep the connection open.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping

from fastapi import APIRouter, HTTPException
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.requests import HTTPConnection, Request
from starlette.types import Receive, Scope, Send

from intone.core.constants import SAMPLE_RATE_HZ
from intone.core.errors import IntoneError
from intone.studio.sound.downloads import DOWNLOAD_FORMATS, encoded
from intone.studio.sound.performance import Performance
from intone.studio.sound.performances import Performances

Who = Callable[[HTTPConnection], str]

MAX_FIELDS_BYTES = 1_000_000

_MEDIA_TYPES = {"wav": "audio/wav", "mp3": "audio/mpeg", "flac": "audio/flac", "ogg": "audio/ogg"}


class LiveSound(StreamingResponse):
    """The samples of a performance; a listener who leaves ends it."""

    def __init__(self, performance: Performance) -> None:
        headers = {
            "cache-control": "no-store",
            "x-accel-buffering": "no",  # proxies would hold sound back
            "x-sample-rate": str(SAMPLE_RATE_HZ),
        }
        super().__init__(performance.sound(), headers=headers, media_type="audio/pcm")
        self._performance = performance

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._performance.stop()  # does nothing where it is over


def live_routes(performances: Performances, who: Who) -> APIRouter:
    """Returns the routes of live sound and of its downloads."""
    router = APIRouter(include_in_schema=False)

    @router.post("/live/{live_id}")
    async def live(live_id: str, request: Request) -> Response:
        try:
            performance = performances.start(who(request), live_id, await _fields(request))
        except IntoneError as error:
            return JSONResponse({"problem": str(error)}, 400)
        return LiveSound(performance)

    @router.post("/live/{live_id}/stop")
    async def stop(live_id: str, request: Request) -> Response:
        await performances.stop(who(request), live_id)
        return Response(status_code=204)

    @router.get("/live/{live_id}/speech.{format}")
    async def download(live_id: str, format: str, request: Request) -> Response:
        performance = performances.find(who(request), live_id)
        kept = None if performance is None else performance.state.kept
        if kept is None or not kept.audio.is_file() or format not in DOWNLOAD_FORMATS:
            raise HTTPException(404, "there is no such sound any more; look under Takes.")
        data = await asyncio.to_thread(encoded, kept.audio, format)
        name = f"{kept.audio.stem}.{format}"
        headers = {"content-disposition": f'attachment; filename="{name}"'}
        return Response(data, headers=headers, media_type=_MEDIA_TYPES[format])

    return router


async def _fields(request: Request) -> Mapping[str, object]:
    """Returns what the page sent; anything else is no field at all, and is told as missing."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MAX_FIELDS_BYTES:
            raise HTTPException(413, "the text is too long to be spoken at once.")
    try:
        fields = json.loads(body)
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}
