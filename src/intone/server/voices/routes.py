"""`/v1/audio/voices`: listed, made from clips, moved, changed, removed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import JSONResponse, Response

from intone.audio.reference_report import ReferenceReport
from intone.server.auth import Caller, caller_of
from intone.server.departure import while_connected
from intone.server.services import Services, services_of
from intone.server.voices.bodies import VOICE_EXAMPLE, ImportForm, NewVoiceForm, VoiceChanges
from intone.server.voices.choosing import models_of
from intone.server.voices.cloning import (
    checked_words,
    cloning_model,
    judged_clip,
    read_clip,
)
from intone.server.voices.kept import check_free, check_kept, kept_voice
from intone.server.voices.listing import find_voice, list_voices, voice_body
from intone.voices.importing import imported_voice
from intone.voices.making import Origin, cloned_voice
from intone.voices.reading import checked_language
from intone.voices.voice import Voice
from intone.voices.voice_file import MAX_FILE_BYTES, SUFFIX, voice_bytes

router = APIRouter(prefix="/v1/audio/voices", tags=["voices"])

Parts = Annotated[Services, Depends(services_of)]
Who = Annotated[Caller, Depends(caller_of)]

_VOICE: dict[str, Any] = {"content": {"application/json": {"example": VOICE_EXAMPLE}}}
_LIST: dict[str, Any] = {
    "content": {
        "application/json": {
            "example": {"object": "list", "data": [VOICE_EXAMPLE], "voices": [VOICE_EXAMPLE]}
        }
    }
}


@router.get("", responses={200: _LIST})
async def get_voices(services: Parts) -> dict[str, object]:
    """Lists presets of the models of this machine, and kept voices."""
    voices = await asyncio.to_thread(list_voices, services.library, services.source)
    return {"object": "list", "data": voices, "voices": voices}


@router.post("", status_code=201, responses={201: _VOICE})
async def make_voice(
    request: Request, form: Annotated[NewVoiceForm, Form()], services: Parts, caller: Who
) -> JSONResponse:
    """Keeps the voice of a clip; the answer has the voice and the report of the clip.

    A clip whose report refuses it is refused (400) with its reasons, unless `anyway` is sent.
    """
    library = services.library
    can = await asyncio.to_thread(cloning_model, form.model, services)
    language, words = checked_language(form.language, can), checked_words(form.ref_text)
    await asyncio.to_thread(check_free, form.name, library, can_replace=form.replace)
    sound = await form.audio_sample.read()
    clip, report = await asyncio.to_thread(
        judged_clip,
        sound,
        None if form.form == "x_vector" else words,
        language,
        limit_s=services.settings.limits.clip_s,
        anyway=form.anyway,
    )
    read = await while_connected(
        request,
        read_clip(clip, words, form.form, can=can, services=services, key_id=caller.key_id),
    )
    origin = Origin(language=language, model=can.model, licence=form.licence, consent=form.consent)
    voice = cloned_voice(form.name, read.reference, clip, origin)
    await asyncio.to_thread(library.put, voice, form.replace)
    made = await asyncio.to_thread(_shown, voice, services)
    body = made | {"form_reason": read.reason, "report": report_body(report)}
    return JSONResponse(body, status_code=201, headers=_place(voice))


@router.post("/import", status_code=201, responses={201: _VOICE})
async def import_voice(form: Annotated[ImportForm, Form()], services: Parts) -> JSONResponse:
    """Takes a voice file in: `.voice`, or the x-vector of another program in `.safetensors`."""
    data = await form.file.read(MAX_FILE_BYTES + 1)
    voice = await asyncio.to_thread(imported_voice, form.file.filename or "", data, form.name)
    await asyncio.to_thread(check_free, voice.name, services.library, can_replace=form.replace)
    await asyncio.to_thread(services.library.put, voice, form.replace)
    made = await asyncio.to_thread(_shown, voice, services)
    return JSONResponse(made, status_code=201, headers=_place(voice))


@router.get("/{id}", responses={200: _VOICE})
async def get_voice(id: str, services: Parts) -> dict[str, object]:
    """Returns one voice, a preset or a kept one."""
    return await asyncio.to_thread(find_voice, id, services.library, services.source)


@router.patch("/{id}", responses={200: _VOICE})
async def change_voice(id: str, changes: VoiceChanges, services: Parts) -> dict[str, object]:
    """Renames a kept voice, or changes its notes; what is left out stays."""

    def change() -> dict[str, object]:
        library = services.library
        voice = kept_voice(id, library, services.source)
        is_renamed = changes.name is not None and changes.name != voice.name
        if is_renamed and (changes.name or "").casefold() != voice.name.casefold():
            check_free(changes.name or "", library)
        notes: dict[str, Any] = changes.model_dump(exclude={"name"}, exclude_none=True)
        if notes:
            voice = library.change(voice.name, lambda kept: replace(kept, **notes))
        if is_renamed:
            library.rename(voice.name, changes.name or "")
        return _shown(library.get(changes.name or voice.name), services)

    return await asyncio.to_thread(change)


@router.delete("/{id}")
async def remove_voice(id: str, services: Parts) -> dict[str, object]:
    """Removes a kept voice, a damaged one too."""

    def remove() -> None:
        check_kept(id, services.library, services.source)
        services.library.remove(id)

    await asyncio.to_thread(remove)
    return {"id": id, "object": "audio.voice", "deleted": True}


@router.get(
    "/{id}/package",
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": {}}}},
)
async def get_package(id: str, services: Parts) -> Response:
    """Returns a kept voice as a `.voice` file, which `import` takes."""

    def packed() -> tuple[str, bytes]:
        voice = kept_voice(id, services.library, services.source)
        return voice.name, voice_bytes(voice)

    name, data = await asyncio.to_thread(packed)
    disposition = f'attachment; filename="{name}{SUFFIX}"'
    return Response(
        data,
        media_type="application/octet-stream",
        headers={"Content-Disposition": disposition},
    )


def report_body(report: ReferenceReport) -> dict[str, object]:
    """Returns the report of a clip as clients see it."""
    return {
        "severity": report.severity,
        "duration_s": round(report.duration_s, 3),
        "speech_s": round(report.speech_s, 3),
        "source_rate_hz": report.source_rate_hz,
        "source_channels": report.source_channels,
        "findings": [
            {"aspect": one.aspect, "severity": one.severity, "message": one.message}
            for one in report.findings
        ],
    }


def _shown(voice: Voice, services: Services) -> dict[str, object]:
    return voice_body(voice, tuple(models_of(services.source)), services.source)


def _place(voice: Voice) -> dict[str, str]:
    return {"Location": f"/v1/audio/voices/{voice.name}"}
