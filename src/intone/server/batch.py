"""`POST /v1/audio/batch`: several texts in one request, each with its own answer, in order."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import ConfigDict, Field, ValidationError

from intone.audio.stream_encoders import SoundFormat
from intone.core.constants import SAMPLE_RATE_HZ
from intone.core.errors import IntoneError
from intone.server.auth import Caller, caller_of
from intone.server.departure import while_connected
from intone.server.errors import api_error, error_body, internal_error
from intone.server.invalid import invalid_request
from intone.server.limits import check_text
from intone.server.services import Services, TheServices
from intone.server.speech.body import ResponseFormat, Sampling, SpeechBody, TaskType, Text, VoiceId
from intone.server.speech.buffer import ByteBuffer
from intone.server.speech.clips import clip_of
from intone.server.speech.formats import MEDIA_TYPES, encoder_for
from intone.server.speech.routes import planned
from intone.server.speech.speaking import Speaking

router = APIRouter(tags=["speech"])
ROUTE = "/v1/audio/batch"
MAX_ITEMS = 32
AT_ONCE = 4
"""Items of one batch that are spoken together: the others may want to be heard too."""
_LOG = logging.getLogger("intone.server.batch")


class BatchFields(Sampling):
    """What an item may say, and the batch for those that do not."""

    model: Text | None = None
    voice: Text | VoiceId | None = None
    instructions: Text | None = None
    response_format: ResponseFormat | None = None
    """wav where it is left out: an answer in JSON streams nothing."""
    task_type: TaskType | None = None
    ref_audio: Text | None = None
    ref_text: Text | None = None
    x_vector_only_mode: bool = False


class BatchItem(BatchFields):
    """One text; what it leaves out is the batch's."""

    input: Annotated[Text, Field(min_length=1)]


class BatchBody(BatchFields):
    """Texts, and what holds for all of them."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "voice": "vivian",
                    "response_format": "wav",
                    "items": [
                        {"input": "It was late.", "seed": 7},
                        {"input": "Nobody had slept.", "voice": "ryan"},
                    ],
                }
            ]
        }
    )

    items: Annotated[list[BatchItem], Field(min_length=1, max_length=MAX_ITEMS)]


@router.post(ROUTE, summary="Speak several texts")
async def speak_batch(request: Request, body: BatchBody, services: TheServices) -> dict[str, Any]:
    """Speaks up to 32 texts, some at once; the answer has a result for each, in their order.

    A result has `status` 200 and its `audio` in base64, or another status and its `error`: an item
    that fails ends no other. The texts together have the limit of one request.
    """
    characters = sum(len(item.input) for item in body.items)
    check_text(" " * characters, services.settings.limits.text_characters, "items")
    results = await while_connected(request, _spoken(body, services, caller_of(request)))
    num_ok = sum(result["status"] == 200 for result in results)
    return {
        "object": "audio.batch",
        "num_ok": num_ok,
        "num_failed": len(results) - num_ok,
        "results": results,
    }


async def _spoken(body: BatchBody, services: Services, caller: Caller) -> list[dict[str, Any]]:
    at_once = asyncio.Semaphore(min(AT_ONCE, caller.limits.max_concurrent or AT_ONCE))
    shared = body.model_dump(exclude={"items"}, exclude_unset=True)

    async def one(item: BatchItem) -> dict[str, Any]:
        async with at_once:
            return await _spoken_item(_merged(shared, item), services, caller)

    working = [asyncio.ensure_future(one(item)) for item in body.items]
    try:
        await asyncio.wait(working)
    finally:
        for task in working:
            task.cancel()
    return [{"index": index} | _result(task) for index, task in enumerate(working)]


def _merged(shared: dict[str, Any], item: BatchItem) -> SpeechBody:
    fields = shared | item.model_dump(exclude_unset=True)
    try:
        return SpeechBody.model_validate_json(json.dumps(fields))
    except ValidationError as error:
        raise invalid_request(error.errors()) from error


async def _spoken_item(body: SpeechBody, services: Services, caller: Caller) -> dict[str, Any]:
    format: SoundFormat = body.response_format or "wav"
    encoder, _ = encoder_for(format, wants_stream=False)
    clip = await clip_of(body, services.settings)
    plan = await asyncio.to_thread(planned, body, services)
    buffer = ByteBuffer(None)
    speaking = Speaking(
        services,
        plan,
        key_id=caller.key_id,
        route=ROUTE,
        encoder=encoder,
        buffer=buffer,
        clip=clip,
    )
    await speaking.run()
    parts = []
    while (part := await buffer.next()) is not None:
        parts.append(part)
    return {
        "audio": base64.b64encode(b"".join(parts)).decode("ascii"),
        "media_type": MEDIA_TYPES[format],
        "model": plan.model,
        "voice": plan.voice,
        "seed": plan.seed,
        "finish_reason": speaking.outcome.finish_reason,
        "duration_s": round(speaking.outcome.num_samples / SAMPLE_RATE_HZ, 3),
    }


def _result(task: asyncio.Task[dict[str, Any]]) -> dict[str, Any]:
    """Returns what an item became; one that broke is told as such, and ends no other."""
    error = task.exception()
    if error is None:
        return {"status": 200} | task.result()
    if isinstance(error, IntoneError):
        told = api_error(error)
    else:
        _LOG.error("an item of a batch failed", exc_info=error)
        told = internal_error()
    retry = {} if told.retry_after_s is None else {"retry_after_s": told.retry_after_s}
    return {"status": told.status} | error_body(told) | retry
