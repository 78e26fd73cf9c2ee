"""`POST /v1/audio/speech`."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from intone.audio.stream_encoders import SoundFormat
from intone.core.errors import UnknownVoiceError
from intone.server.auth import Caller, caller_of
from intone.server.services import Services, TheServices
from intone.server.speech.answer import AnswerForm, SpeechAnswer
from intone.server.speech.body import SpeechBody
from intone.server.speech.buffer import ByteBuffer
from intone.server.speech.choosing import KIND_OF_TASK, chosen_model, is_stand_in
from intone.server.speech.clips import clip_of
from intone.server.speech.formats import MEDIA_TYPES, PCM_003, PCM_HEADERS, encoder_for
from intone.server.speech.plan import SpeechPlan, plan_speech
from intone.server.speech.speaking import Speaking
from intone.server.voices.choosing import model_for_voice

router = APIRouter(tags=["speech"])
ROUTE = "/v1/audio/speech"
BUFFER_BYTES = 1_000_000
"""That a slow reader may leave behind before its request makes room for others: 20 s of PCM."""

_BINARY = {"schema": {"type": "string", "format": "binary"}}
_HEADERS = {
    "X-Seed": "Repeats the sound.",
    "X-Model": "The model that speaks.",
    "X-Voice": "The preset or kept voice that speaks; absent for clips and descriptions.",
    "X-Finish-Reason": "How it ended: stop, length or guard; with `stream: false`.",
    "X-Audio-Duration": "Seconds; with `stream: false`.",
    "Server-Timing": "queue, load and ttfa, in ms.",
}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The sound, as it is made; or events with `stream_format: sse`.",
        "headers": {
            name: {"description": text, "schema": {"type": "string"}}
            for name, text in _HEADERS.items()
        },
        "content": {
            **{name: _BINARY for name in sorted({*MEDIA_TYPES.values(), PCM_003})},
            "text/event-stream": {"schema": {"description": "Events; each has JSON in `data`."}},
        },
    }
}


@router.post(ROUTE, summary="Speak", responses=_RESPONSES, response_class=Response)
async def speech(request: Request, body: SpeechBody, services: TheServices) -> Response:
    """Speaks a text, as OpenAI's `audio.speech.create`; or as founding document 003.

    The sound leaves while it is made. `X-Seed` repeats it; how it ended is in the last event of
    `stream_format: sse`, or in `X-Finish-Reason` with `stream: false`.
    """
    return await spoken_answer(body, services, caller_of(request))


async def spoken_answer(body: SpeechBody, services: Services, caller: Caller) -> Response:
    """Returns the answer to a body; raises what is wrong with it before anything is loaded."""
    format: SoundFormat = body.response_format or ("pcm" if body.is_003 else "mp3")
    is_sse = body.stream_format == "sse"
    encoder, streams = encoder_for(format, wants_stream=True if is_sse else body.stream)
    clip = await clip_of(body, services.settings)
    plan = await asyncio.to_thread(planned, body, services)
    buffer = ByteBuffer(BUFFER_BYTES if streams else None)
    speaking = Speaking(
        services,
        plan,
        key_id=caller.key_id,
        route=ROUTE,
        encoder=encoder,
        buffer=buffer,
        clip=clip,
    )
    media_type = PCM_003 if body.is_003 and format == "pcm" else MEDIA_TYPES[format]
    form = AnswerForm(
        transfer="sse" if is_sse else "audio" if streams else "whole",
        media_type="text/event-stream; charset=utf-8" if is_sse else media_type,
        headers=_headers(plan, format),
        slow_reader_s=services.settings.speech.slow_reader_s,
    )
    return SpeechAnswer(speaking, buffer, form)


def planned(body: SpeechBody, services: Services) -> SpeechPlan:
    """Returns what a body has spoken; reads descriptions of models and the names of kept voices.

    Not for the event loop's thread. Raises as `chosen_model` and `plan_speech` do.
    """
    settings = services.settings
    can = chosen_model(
        services.source,
        settings.speech,
        name=_model_name(body, services),
        kind=None if body.task_type is None else KIND_OF_TASK[body.task_type],
        must_clone=body.ref_audio is not None,
    )
    return plan_speech(body, can, services.library.names(), settings.speech, settings.limits)


def _model_name(body: SpeechBody, services: Services) -> str | None:
    """Returns the model that is asked for: by name, else by a voice that the default lacks."""
    speech = services.settings.speech
    is_named = body.model is not None and body.model not in speech.default_names
    voice = body.voice_name
    is_open = voice is not None and not is_stand_in(voice, speech)
    if is_named or not is_open or body.task_type is not None or body.ref_audio is not None:
        return body.model
    try:
        return model_for_voice(voice, services.source, services.library, speech.voice_map)
    except UnknownVoiceError:
        return body.model  # the default's own voices are what the message should list


def _headers(plan: SpeechPlan, format: SoundFormat) -> dict[str, str]:
    headers = {"x-seed": str(plan.seed), "x-model": _plain(plan.model)}
    if plan.voice is not None:
        headers["x-voice"] = _plain(plan.voice)
    return {**headers, **(PCM_HEADERS if format == "pcm" else {})}


def _plain(name: str) -> str:
    """A header holds plain characters only, whatever a model's folder is called."""
    return "".join(c if " " <= c <= "~" else "?" for c in name)
