"""`/v1/audio/voices/design`: candidates of a described voice, heard, and one of them kept."""

from __future__ import annotations

import asyncio
from secrets import randbits
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import FileResponse, JSONResponse

from intone.audio.reference import load_reference
from intone.render.rounds import RoundOrder
from intone.server.auth import Caller, caller_of
from intone.server.departure import while_connected
from intone.server.services import Services, services_of
from intone.server.voices.bodies import DesignBody, KeepBody
from intone.server.voices.choosing import models_of
from intone.server.voices.cloning import cloning_model, read_clip
from intone.server.voices.kept import check_free
from intone.server.voices.listing import voice_body
from intone.server.voices.rounds import (
    designing_model,
    draw_round,
    find_round,
    find_take,
    remove_round,
)
from intone.server.voices.routes import report_body
from intone.voices.candidates import CandidateFolder, CandidateRound
from intone.voices.making import Design, Origin, designed_voice, report_clip
from intone.voices.reading import checked_language

router = APIRouter(prefix="/v1/audio/voices/design", tags=["voices"])

Parts = Annotated[Services, Depends(services_of)]
Who = Annotated[Caller, Depends(caller_of)]

_SEED_BITS = 32


@router.post("", status_code=201)
async def design_voices(
    request: Request, body: DesignBody, services: Parts, caller: Who
) -> JSONResponse:
    """Draws candidates of a described voice; each is another person.

    Answers when all are drawn; a client that leaves stops the drawing, and what was drawn stays.
    """
    can = await asyncio.to_thread(designing_model, body.model, services)
    order = RoundOrder(
        description=body.description,
        text=body.text,
        language=checked_language(body.language, can),
        count=body.n,
        seed=randbits(_SEED_BITS) if body.seed is None else body.seed,
    )
    drawn = await while_connected(request, draw_round(order, can, services, caller.key_id))
    return JSONResponse(_round_body(drawn), status_code=201)


@router.get("/rounds")
async def list_rounds(services: Parts) -> dict[str, object]:
    """Lists the rounds that are kept, the newest first."""

    def found() -> list[dict[str, object]]:
        folder = CandidateFolder(services.library.directory)
        return [_round_body(folder.get(name)) for name in reversed(folder.names())]

    return {"object": "list", "data": await asyncio.to_thread(found)}


@router.delete("/{round}")
async def delete_round(round: str, services: Parts) -> dict[str, object]:
    """Removes a round with the audio of its candidates; voices that were kept of it stay."""
    await asyncio.to_thread(remove_round, services, round)
    return {"id": round, "object": "audio.voice.design", "deleted": True}


@router.get(
    "/{round}/{number}",
    response_class=FileResponse,
    responses={200: {"content": {"audio/wav": {}}}},
)
async def get_candidate(round: str, number: int, services: Parts) -> FileResponse:
    """Returns the audio of a candidate."""

    def found() -> CandidateRound:
        drawn = find_round(services, round)
        find_take(drawn, number)
        return drawn

    drawn = await asyncio.to_thread(found)
    return FileResponse(
        drawn.path(number), media_type="audio/wav", filename=f"{drawn.name}-{number}.wav"
    )


@router.post("/{round}/{number}/keep", status_code=201)
async def keep_candidate(
    request: Request, round: str, number: int, body: KeepBody, services: Parts, caller: Who
) -> JSONResponse:
    """Makes a candidate a voice that stays: a Base model clones it from its take."""
    can = await asyncio.to_thread(cloning_model, body.model, services)
    drawn = await asyncio.to_thread(find_round, services, round)
    take = find_take(drawn, number)
    await asyncio.to_thread(check_free, body.name, services.library, can_replace=body.replace)
    clip = await asyncio.to_thread(lambda: load_reference(drawn.path(number).read_bytes()))
    report = await asyncio.to_thread(report_clip, clip, drawn.text, drawn.language)
    read = await while_connected(
        request,
        read_clip(clip, drawn.text, body.form, can=can, services=services, key_id=caller.key_id),
    )
    voice = designed_voice(
        body.name,
        read.reference,
        clip,
        Origin(language=drawn.language, model=can.model, licence=body.licence),
        Design(description=drawn.description, seed=take.seed, model=drawn.model),
    )
    await asyncio.to_thread(services.library.put, voice, body.replace)
    source = services.source
    made = await asyncio.to_thread(lambda: voice_body(voice, tuple(models_of(source)), source))
    return JSONResponse(
        made | {"form_reason": read.reason, "report": report_body(report)},
        status_code=201,
        headers={"Location": f"/v1/audio/voices/{voice.name}"},
    )


def _round_body(drawn: CandidateRound) -> dict[str, object]:
    root = f"/v1/audio/voices/design/{drawn.name}"
    return {
        "id": drawn.name,
        "object": "audio.voice.design",
        "description": drawn.description,
        "text": drawn.text,
        "language": drawn.language,
        "model": drawn.model,
        "seed": drawn.seed,
        "candidates": [
            {
                "id": f"{drawn.name}/{take.number}",
                "number": take.number,
                "seed": take.seed,
                "duration_s": take.duration_s,
                "finish_reason": take.finish_reason,
                "audio_url": f"{root}/{take.number}",
                "keep_url": f"{root}/{take.number}/keep",
            }
            for take in drawn.takes
        ],
    }
