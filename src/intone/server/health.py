"""`/healthz`: the process answers. `/readyz`: it takes work, and no engine is down. Never loads."""

from __future__ import annotations

import time

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response

from intone.server.metrics import CONTENT_TYPE
from intone.server.services import Services, TheServices

router = APIRouter(tags=["health"])
_STARTED_S = time.monotonic()


def not_ready(services: Services) -> str | None:
    """Returns why the server takes no work, or None."""
    if services.lifecycle.phase != "ready":
        return f"the server is {services.lifecycle.phase}"
    down = [s.name for s in services.pool.states() if s.status in ("failed", "restarting")]
    return f"model {down[0]} is being restarted" if down else None


@router.get("/healthz", summary="Whether the process answers")
async def healthz() -> dict[str, bool | float]:
    """As founding document 004: `{"ok": true, "uptime_s": 12.3}`."""
    return {"ok": True, "uptime_s": round(time.monotonic() - _STARTED_S, 3)}


@router.get("/readyz", summary="Whether requests are taken", responses={503: {}})
async def readyz(services: TheServices) -> JSONResponse:
    """As founding document 004: `{"ready": true}`, or 503 with the reason. Loads nothing."""
    reason = not_ready(services)
    if reason is None:
        return JSONResponse({"ready": True})
    return JSONResponse({"ready": False, "error": reason}, status_code=503)


@router.get("/metrics", summary="Figures for Prometheus", response_class=Response)
async def metrics(services: TheServices) -> Response:
    """Counters and histograms, in Prometheus' text format."""
    services.metrics.read_state(services.pool, services.admission, services.settings)
    return Response(services.metrics.text(), media_type=CONTENT_TYPE)
