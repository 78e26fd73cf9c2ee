"""The app behind a prefix knows its own paths alone, and gives no id that Serve gives."""

from __future__ import annotations

import httpx
import pytest
from fastapi import FastAPI
from starlette.requests import Request

from intone.deploy.ray.mounted import Mounted


@pytest.fixture
def app() -> FastAPI:
    app = FastAPI()

    @app.get("/healthz")
    async def healthz(request: Request) -> str:
        return f"{request.scope['path']} {request.scope['raw_path'].decode()}"

    @app.middleware("http")
    async def with_id(request: Request, call_next):  # type: ignore[no-untyped-def]
        answer = await call_next(request)
        answer.headers["x-request-id"] = "mine"
        return answer

    app.add_middleware(Mounted)
    return app


@pytest.mark.anyio
@pytest.mark.parametrize("prefix", ["", "/tiny"])
async def test_a_prefix_is_taken_off_and_the_id_is_left_to_serve(app: FastAPI, prefix: str) -> None:
    transport = httpx.ASGITransport(app, root_path=prefix)
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        answer = await client.get(f"{prefix}/healthz")

    assert answer.json() == "/healthz /healthz"
    assert "x-request-id" not in answer.headers
