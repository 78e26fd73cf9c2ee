"""`GET /v1/models`: the models of this machine, as OpenAI lists its own, and what each can do."""

from __future__ import annotations

import asyncio
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from intone.core.types import Capabilities, ModelKind
from intone.server.errors import INVALID_REQUEST, ApiError
from intone.server.services import Services, TheServices
from intone.server.voices.choosing import models_of

router = APIRouter(tags=["models"])
_CREATED = 0
"""OpenAI's clients want a number here; when weights were made is not known."""


class Model(BaseModel):
    """One model of this machine."""

    id: str
    object: Literal["model"] = "model"
    created: int = _CREATED
    owned_by: str = "intone"
    kind: ModelKind
    """custom: presets; design: voices from a description; base: clones."""
    size: str
    voices: list[str]
    """Its presets."""
    languages: list[str]
    can_clone: bool
    follows_instruct: bool
    hidden_size: int
    """Numbers of an x-vector."""
    num_codebooks: int
    is_default: bool
    is_loaded: bool
    status: str
    """"idle": not in memory; else as the pool has it, "ready" or "loading" for example."""


class ModelList(BaseModel):
    """All models of this machine."""

    object: Literal["list"] = "list"
    data: list[Model]


@router.get("/v1/models", summary="Models of this machine")
async def list_models(services: TheServices) -> ModelList:
    """Lists what can be asked for, the default first; nothing is loaded for it."""
    models = await asyncio.to_thread(lambda: tuple(models_of(services.source)))
    return ModelList(data=[_model(name, can, models[0][0], services) for name, can in models])


@router.get("/v1/models/{id:path}", summary="One model")
async def get_model(id: str, services: TheServices) -> Model:
    """Tells what one model can do; an id may hold a slash, and OpenAI's names mean the default."""
    models = await asyncio.to_thread(lambda: dict(models_of(services.source)))
    default = next(iter(models), "")
    wanted = default if id in services.settings.speech.default_names else id
    if wanted not in models:
        raise ApiError(
            404,
            INVALID_REQUEST,
            "model_not_found",
            f"model {id!r} is not on this machine; here: {', '.join(models) or 'none'}.",
            param="id",
        )
    return _model(wanted, models[wanted], default, services)


def _model(name: str, can: Capabilities, default: str, services: Services) -> Model:
    statuses = {state.name: state.status for state in services.pool.states()}
    status = statuses.get(can.model, "idle")
    return Model(
        id=name,
        kind=can.kind,
        size=can.size,
        voices=list(can.voices),
        languages=list(can.languages),
        can_clone=can.can_clone,
        follows_instruct=can.follows_instruct,
        hidden_size=can.hidden_size,
        num_codebooks=can.num_codebooks,
        is_default=name == default,
        is_loaded=status == "ready",
        status=status,
    )
