"""Founding document 004: `POST /api/tts`, `GET /speakers`, and errors as its server words them.

`/healthz` and `/readyz` are everybody's and have its shape already.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from intone.audio.stream_encoders import whole_encoder
from intone.core.constants import SAMPLE_RATE_HZ
from intone.core.errors import IntoneError
from intone.server.auth import caller_of
from intone.server.errors import api_error, error_response
from intone.server.invalid import http_error, invalid_request
from intone.server.services import Services, TheServices
from intone.server.speech.answer import AnswerForm, SpeechAnswer
from intone.server.speech.body import SpeechBody, Text
from intone.server.speech.buffer import ByteBuffer
from intone.server.speech.choosing import chosen_model
from intone.server.speech.formats import MEDIA_TYPES
from intone.server.speech.plan import SpeechPlan, plan_speech
from intone.server.speech.speaking import Speaking

ROUTE = "/api/tts"
_BINARY = {"schema": {"type": "string", "format": "binary"}}


class Detail(BaseModel):
    """An error, as that server words it."""

    detail: str


class DetailRoute(APIRoute):
    """A route whose errors are `{"detail": ...}`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_and_tell(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError as error:
                return detail_response(invalid_request(error.errors()))
            except HTTPException as error:
                return detail_response(http_error(error))
            except IntoneError as error:
                return detail_response(error)

        return handle_and_tell


router = APIRouter(tags=["founding document 004"], route_class=DetailRoute)
_ERRORS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": Detail},
    501: {"model": Detail},
    503: {"model": Detail},
}


def detail_response(error: IntoneError) -> JSONResponse:
    """Returns an error with its status and headers, in the shape of that server."""
    response, told = error_response(error), api_error(error)
    headers = {k: v for k, v in response.headers.items() if not k.startswith("content-")}
    return JSONResponse({"detail": told.message}, told.status, headers)


class TtsBody(BaseModel):
    """A text to speak."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        json_schema_extra={
            "examples": [
                {
                    "text": "Hello from Qwen3-TTS",
                    "language": "English",
                    "speaker": "Ryan",
                    "instruct": "Speak clearly and warmly",
                    "audio_format": "wav",
                }
            ]
        },
    )

    text: Annotated[Text, Field(min_length=1)]
    language: Text | None = None
    speaker: Text | None = None
    instruct: Text | None = None
    model: Text | None = None
    audio_format: Literal["wav", "ogg"] = "wav"

    def as_speech(self) -> SpeechBody:
        """Returns the same request in OpenAI's words; an empty text is none."""
        return SpeechBody(
            input=self.text,
            language=self.language or None,
            voice=self.speaker or None,
            instructions=self.instruct or None,
            model=self.model or None,
        )


@router.post(
    ROUTE,
    summary="Speak, as founding document 004",
    response_class=Response,
    responses={200: {"content": {"audio/wav": _BINARY, "audio/ogg": _BINARY}}, **_ERRORS},
)
async def tts(request: Request, body: TtsBody, services: TheServices) -> Response:
    """Speaks a text and answers with the whole file: wav, or ogg (Vorbis)."""
    plan = await asyncio.to_thread(_planned, body, services)
    buffer = ByteBuffer(None)
    speaking = Speaking(
        services,
        plan,
        key_id=caller_of(request).key_id,
        route=ROUTE,
        encoder=whole_encoder(body.audio_format, SAMPLE_RATE_HZ),
        buffer=buffer,
    )
    form = AnswerForm(
        transfer="whole",
        media_type=MEDIA_TYPES[body.audio_format],
        headers={"x-seed": str(plan.seed)},
        slow_reader_s=services.settings.speech.slow_reader_s,
        refuse=detail_response,
    )
    return SpeechAnswer(speaking, buffer, form)


@router.get("/speakers", summary="Presets of a model", responses=_ERRORS)
async def speakers(services: TheServices, model: str | None = None) -> dict[str, list[str]]:
    """Lists the presets of a model, the default one where none is named; nothing is loaded."""
    can = await asyncio.to_thread(
        chosen_model, services.source, services.settings.speech, name=model or None
    )
    return {"speakers": list(can.voices)}


def _planned(body: TtsBody, services: Services) -> SpeechPlan:
    settings = services.settings
    can = chosen_model(services.source, settings.speech, name=body.model or None)
    kept = services.library.names()
    return plan_speech(body.as_speech(), can, kept, settings.speech, settings.limits)
