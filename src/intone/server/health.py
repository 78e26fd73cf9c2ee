"""`/healthz`: the process can go on. `/readyz`: it takes work, and no engine is down. Never loads.

An engine that died is opened anew by itself, and `/readyz` is red meanwhile. Where that failed
too, so is `/healthz`: whoever watches over the process should start it again, as nobody may
send a red server the request that would try once more.
"""

from __future__ import annotations

import time

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response

from intone.server.metrics import CONTENT_TYPE
from intone.server.pool_state import Status
from intone.server.services import Services, TheServices

router = APIRouter(tags=["health"])
_STARTED_S = time.monotonic()


def not_ready(services: Services) -> str | None:
    """Returns why the server takes no work, or None."""
    if services.lifecycle.phase != "ready":
        return f"the server is {services.lifecycle.phase}"
    broken = broken_model(services)
    if broken is not None:
        return f"model {broken} died and could not be restarted"
    down = _names(services, "restarting")
    return f"model {down[0]} is being restarted" if down else None


def broken_model(services: Services) -> str | None:
    """Returns a model that died and could not be opened anew, or None: only a start helps."""
    return next(iter(_names(services, "failed")), None)


def _names(services: Services, status: Status) -> list[str]:
    return [state.name for state in services.pool.states() if state.status == status]


@router.get("/healthz", summary="Whether the process can go on", responses={503: {}})
async def healthz(services: TheServices) -> JSONResponse:
    """As founding document 004: `{"ok": true, "uptime_s": 12.3}`; 503 where only a start helps."""
    is_ok = broken_model(services) is None
    body = {"ok": is_ok, "uptime_s": round(time.monotonic() - _STARTED_S, 3)}
    return JSONResponse(body, status_code=200 if is_ok else 503)


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
    services.metrics.read_state(services.pool, services.admission)
    return Response(services.metrics.text(), media_type=CONTENT_TYPE)
