"""The app: every part's routes behind one front door.

Layers from outside in: id, log and drain (`FrontDoor`), spans, host names, origins of web pages,
browsers of the studio, keys, sizes of bodies. A layer added here holds for every route, those to
come included.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request

from intone.core.errors import IntoneError
from intone.core.version import __version__
from intone.server import batch, health
from intone.server.auth import OPEN_PATHS, KeyGate
from intone.server.browser_door import BrowserDoor
from intone.server.browser_sessions import GuessLimit, Sessions
from intone.server.busy import BusyError
from intone.server.compat.rest_api import router as rest_api_router
from intone.server.error_document import ERROR_RESPONSES
from intone.server.errors import error_response
from intone.server.front_door import FrontDoor
from intone.server.hosts import HostCheck
from intone.server.invalid import http_error, invalid_request
from intone.server.jobs.routes import router as jobs_router
from intone.server.limits import BodyLimit
from intone.server.live.routes import router as live_router
from intone.server.models_routes import router as models_router
from intone.server.origins import OriginCheck
from intone.server.services import Services
from intone.server.speech.routes import router as speech_router
from intone.server.tracing import Traced
from intone.server.voices.design_routes import router as design_router
from intone.server.voices.routes import router as voices_router

METRICS_PATH = "/metrics"
_HEARTBEATS = "/studio/gradio_api/heartbeat/"
"""Every open page of the studio holds one, and it ends with the page."""


def create_app(services: Services) -> FastAPI:
    """Returns the app. It holds no state beside `services`; nothing is loaded by making it."""
    app = FastAPI(
        title="Intone",
        version=__version__,
        description="Speech of the open Qwen3-TTS models, as OpenAI's clients ask for it.",
        docs_url=None,  # their pages fetch scripts from elsewhere
        redoc_url=None,
        lifespan=_lifespan(services),
        middleware=_layers(services),
        responses=ERROR_RESPONSES,
    )
    app.state.services = services
    for router in _routers():
        app.include_router(router)
    app.add_exception_handler(IntoneError, _told)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http_error)
    return app


def _routers() -> tuple[APIRouter, ...]:
    return (
        health.router,
        speech_router,
        live_router,
        models_router,
        rest_api_router,
        batch.router,
        design_router,
        voices_router,
        jobs_router,
    )


def _layers(services: Services) -> list[Middleware]:
    server = services.settings.server
    open_paths = OPEN_PATHS | ({METRICS_PATH} if server.metrics_open else set())
    cors = Middleware(
        CORSMiddleware,
        allow_origins=list(server.cors_origins),
        allow_methods=["GET", "POST", "PATCH", "DELETE"],
        allow_headers=["authorization", "content-type", "x-request-id"],
        expose_headers=[
            *("x-request-id", "x-seed", "x-finish-reason", "x-audio-duration", "x-model"),
            *("x-voice", "x-sample-rate", "server-timing"),
        ],
    )
    return [
        Middleware(
            FrontDoor,
            metrics=services.metrics,
            lifecycle=services.lifecycle,
            always_open=OPEN_PATHS | {METRICS_PATH},
            unawaited=_HEARTBEATS,
        ),
        *([Middleware(Traced, tracer=services.tracer)] if services.tracer else []),
        *([Middleware(HostCheck, allowed=server.allowed_hosts)] if server.allowed_hosts else []),
        *([cors] if server.cors_origins else []),
        Middleware(OriginCheck, allowed=server.cors_origins),
        *(_browser_door(services) if services.settings.studio.enabled else []),
        Middleware(KeyGate, find=services.keys.find, open_paths=open_paths),
        Middleware(BodyLimit, limits=services.settings.limits),
    ]


def _browser_door(services: Services) -> list[Middleware]:
    sessions = Sessions(services.keys, services.clock)
    return [Middleware(BrowserDoor, sessions=sessions, guesses=GuessLimit(services.clock))]


def _lifespan(services: Services) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        if services.jobs is not None:
            await services.jobs.start()
        getting_ready = asyncio.create_task(_get_ready(services))
        yield
        services.lifecycle.drain()
        getting_ready.cancel()
        if services.jobs is not None:
            await services.jobs.stop()
        await services.pool.close()

    return lifespan


async def _get_ready(services: Services) -> None:
    """Says that work is taken, where it was asked for only when the default model is loaded."""
    is_loaded = not services.settings.model.preload
    while not is_loaded:
        try:
            async with services.pool.lease(None):
                is_loaded = True
        except BusyError:  # it takes longer than a request would wait
            continue
        except IntoneError as error:
            services.lifecycle.problem = error
            return
    services.lifecycle.start()


async def _told(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, IntoneError)
    return error_response(error)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return error_response(invalid_request(error.errors()))


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    response = error_response(http_error(error))
    response.headers.update(error.headers or {})
    return response
