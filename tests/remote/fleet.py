"""Servers to speak with: Intone's over fake or tiny models, and others, made up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from tests.server.fakes import FakeSource, fake_services
from tests.server.serving import serving_app

from intone.core.types import Capabilities
from intone.server.sections import QueueSection
from intone.server.services import Services
from intone.server.settings import Settings
from intone.tts import TTS

MODEL = "tiny"


def own_services(
    folder: Path, source: FakeSource | OneModel | None = None, **sections: object
) -> Services:
    """Returns the services of a server of Intone that speaks eight requests at once."""
    queue = QueueSection(running=8)
    settings = Settings().model_copy(update={"queue": queue, **sections})
    return fake_services(folder, source, settings)  # type: ignore[arg-type]


@dataclass(frozen=True)
class OneModel:
    """Implements `ModelSource`: a checkpoint under a short name."""

    directory: Path
    options: dict[str, Any] = field(default_factory=lambda: {"device": "cpu", "dtype": "fp32"})

    def default(self) -> str:
        return MODEL

    def names(self) -> tuple[str, ...]:
        return (MODEL,)

    def describe(self, name: str) -> Capabilities:
        with TTS(self.directory) as tts:
            return replace(tts.capabilities(), model=MODEL)

    def memory_bytes(self, name: str) -> int:
        return 1_000_000

    def open(self, name: str) -> TTS:
        return TTS(self.directory, **self.options)


@dataclass
class OtherServer:
    """A server of somebody else: it keeps what it was sent, and answers as it is told."""

    owner: str | None = "vllm"
    """`owned_by` of its models; None: it has no route for models."""
    model: str = "Qwen/Qwen3-TTS-12Hz-1.7B-CustomVoice"
    answers: list[Callable[[], Response]] = field(default_factory=list)
    """In order; the last one goes on."""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/v1/models", self._models),
                Route("/v1/audio/voices", self._voices),
                Route("/v1/audio/speech", self._speech, methods=["POST"]),
            ]
        )

    async def _models(self, request: Request) -> Response:
        if self.owner is None:
            return JSONResponse({"detail": "Not Found"}, status_code=404)
        model = {"id": self.model, "object": "model", "owned_by": self.owner}
        return JSONResponse({"object": "list", "data": [model]})

    async def _voices(self, request: Request) -> Response:
        return JSONResponse({"voices": ["vivian", "ryan"], "uploaded_voices": []})

    async def _speech(self, request: Request) -> Response:
        self.bodies.append(await request.json())
        self.keys.append(request.headers.get("Authorization"))
        return self.answers[min(len(self.bodies), len(self.answers)) - 1]()


@contextmanager
def other_server(
    *answers: Callable[[], Response], **fields: Any
) -> Iterator[tuple[str, OtherServer]]:
    """Yields the address of a server, and the server."""
    server = OtherServer(answers=list(answers), **fields)
    with serving_app(server.app()) as url:
        yield url, server


def pcm(*parts: bytes, pause_s: float = 0.0) -> Callable[[], Response]:
    """Returns an answer of plain PCM that comes in parts."""

    async def body() -> AsyncIterator[bytes]:
        for part in parts:
            yield part
            await asyncio.sleep(pause_s)

    return lambda: StreamingResponse(body(), media_type="audio/pcm")
