"""From what a client sent, JSON or a form with a document, to an order and its source."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import PurePath
from secrets import randbits
from typing import Any

from fastapi import Request
from pydantic import ValidationError
from starlette.datastructures import FormData, UploadFile

from intone.core.errors import TextFileError
from intone.render.book_files import safe_name
from intone.server.errors import INVALID_REQUEST, ApiError
from intone.server.invalid import invalid_request
from intone.server.jobs.bodies import JobBody, JobSettings
from intone.server.jobs.job import JobOrder
from intone.server.jobs.room import check_characters
from intone.server.services import Services
from intone.server.speech.choosing import chosen_voice
from intone.server.voices.choosing import model_for_voice
from intone.text.languages import find_language
from intone.text.reading import decode_text

DOCUMENTS = (".txt", ".md", ".markdown", ".epub")
_SUFFIXES = {"text": ".txt", "script": ".txt", "book": ".md"}
_SEED_BITS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class SentJob:
    """A job before it is planned."""

    settings: JobSettings
    source: bytes
    suffix: str
    """Of the document, which says how it is read."""
    name: str | None = None
    """Of the uploaded file."""


async def read_sent_job(request: Request, limit_characters: int) -> SentJob:
    """Returns what a request brings.

    Raises:
        ApiError: no JSON and no form, or a field in it is wrong.
        TextFileError: the document is no text in UTF-8, or of a kind that is not read.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        async with request.form(max_files=1, max_fields=40) as form:
            return await _sent_form(form, limit_characters)
    if kind not in ("application/json", ""):
        raise ApiError(
            415,
            INVALID_REQUEST,
            "unsupported_media_type",
            f"the body is {kind[:80]!r}; send application/json, or multipart/form-data with a "
            "document.",
        )
    return _sent_json(await request.body(), limit_characters)


def order_of(sent: SentJob, services: Services) -> JobOrder:
    """Returns the order with everything that was left open decided; reads the voice's file.

    Raises:
        UnknownVoiceError, ModelNotFoundError, InvalidSettingError
    """
    settings, speech = sent.settings, services.settings.speech
    library, source = services.library, services.source
    model = settings.model
    if model is None or model in speech.default_names:
        model = model_for_voice(settings.voice, source, library, speech.voice_map)
    can = source.describe(model)
    voice = None
    if settings.voice is not None or settings.kind != "script":
        voice = chosen_voice(settings.voice, can, library.names(), speech)
    language = settings.language or speech.language
    title = settings.title or sent.name or settings.kind
    return JobOrder(
        kind=settings.kind,
        source=f"{safe_name(title, settings.kind)}{sent.suffix}",
        title=title,
        model=can.model,
        voice=voice,
        seed=randbits(_SEED_BITS) if settings.seed is None else settings.seed,
        language=find_language(language) or language.lower(),
        instruct=settings.instructions,
        cast=settings.cast_text(),
        speed=settings.speed,
        max_frames=settings.max_frames,
        sampling=settings.sampling(),
        format=settings.response_format,
        one_file=settings.one_file,
        loudness_lufs=settings.loudness_lufs,
    )


def _sent_json(body: bytes, limit_characters: int) -> SentJob:
    try:
        sent = JobBody.model_validate_json(body)
    except ValidationError as error:
        raise invalid_request(error.errors()) from error
    check_characters(len(sent.input), limit_characters)
    suffix = _SUFFIXES[sent.kind]
    return SentJob(settings=sent, source=_encoded(sent.input), suffix=suffix)


async def _sent_form(form: FormData, limit_characters: int) -> SentJob:
    fields = {name: _field(name, value) for name, value in form.multi_items() if name != "file"}
    file = form.get("file")
    if not isinstance(file, UploadFile):
        raise _missing("file", "the document that is to be spoken")
    try:
        settings = JobSettings.model_validate({"kind": "book"} | fields)
    except ValidationError as error:
        raise invalid_request(error.errors()) from error
    name = PurePath((file.filename or "").replace("\\", "/")).name
    suffix = PurePath(name).suffix.lower()
    if suffix not in DOCUMENTS:
        raise TextFileError(
            f"the file is called {name[:80]!r}; its ending says how it is read, allowed: "
            f"{' '.join(DOCUMENTS)}."
        )
    source = await file.read()
    if suffix == ".epub" and settings.kind != "book":
        raise _missing("kind", "an epub is a book")
    if suffix != ".epub":
        check_characters(len(decode_text(source, name="the file")), limit_characters, "file")
    return SentJob(
        settings=settings,
        source=source,
        suffix=suffix if settings.kind == "book" else ".txt",
        name=PurePath(name).stem[:200] or None,
    )


def _field(name: str, value: UploadFile | str) -> Any:
    if not isinstance(value, str):
        raise ApiError(
            400,
            INVALID_REQUEST,
            "unknown_field",
            f"{name[:80]!r} is a file; a job takes one, under the name 'file'.",
            param=name[:80],
        )
    if name != "cast":
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise ApiError(
            400,
            INVALID_REQUEST,
            "invalid_json",
            'cast is no JSON; write {"NAME": "VOICE"}.',
            param="cast",
        ) from error


def _encoded(text: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ApiError(
            400,
            INVALID_REQUEST,
            "invalid_value",
            "input holds half of a character (a lone surrogate); send whole characters.",
            param="input",
        ) from error


def _missing(param: str, what: str) -> ApiError:
    return ApiError(
        400, INVALID_REQUEST, "missing_field", f"{param} is missing or wrong: {what}.", param=param
    )
