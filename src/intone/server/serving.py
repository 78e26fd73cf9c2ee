"""One server process from its socket to its end.

SIGTERM or Ctrl-C: `/readyz` says 503 at once and new work is refused with Retry-After, while what
runs goes on for `drain_timeout_s`; then the process ends with 0. A second signal ends it at once.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from collections.abc import Callable
from types import FrameType

import uvicorn
from fastapi import FastAPI

from intone.core.errors import OutputError
from intone.server.app import create_app
from intone.server.binding import check_binding
from intone.server.patient_protocol import PatientProtocol
from intone.server.services import Services
from intone.server.wyoming.serving import check_wyoming, wyoming_serving

_LOG = logging.getLogger("intone.server")
_SIGNALLED = 128
_CUT_S = 2
"""What is left of a request when its time to end is over."""
_BACKLOG = 1_024


def serve(services: Services, extend: Callable[[FastAPI], None] | None = None) -> None:
    """Listens until a signal comes; returns when everything has ended.

    Args:
        extend: adds to the app what the server does not know of, behind the same front door.

    Raises:
        InvalidSettingError: the address needs keys.
        IntoneError: the default model was to be loaded first, and cannot be.
        OutputError: it cannot be listened on, or jobs cannot be kept.
    """
    server = services.settings.server
    check_binding(server.host, has_keys=services.keys.are_needed, is_insecure=server.insecure)
    check_wyoming(services)
    listener = _listener(server.host, server.port)
    app = create_app(services)
    if extend is not None:
        extend(app)
    running = DrainingServer(_config(app, services), services)
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    _LOG.info("listening on http://%s:%d", shown, port, extra={"fields": {"port": port}})
    asyncio.run(_run(services, running, listener))


async def _run(services: Services, running: DrainingServer, listener: socket.socket) -> None:
    if services.jobs is not None:
        await services.jobs.start()  # here, so that what is wrong with its folder is told as such
    async with wyoming_serving(services):
        await running.serve([listener])
    if services.lifecycle.problem is not None:
        raise services.lifecycle.problem


class DrainingServer(uvicorn.Server):
    """uvicorn, with an end of our own: it keeps listening until what runs is over."""

    def __init__(self, config: uvicorn.Config, services: Services) -> None:
        super().__init__(config)
        self._lifecycle = services.lifecycle
        self._jobs = services.jobs
        self._drain_timeout_s = services.settings.server.drain_timeout_s
        self._drain_by_s: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal drains, the second ends."""
        if self._drain_by_s is not None:
            os._exit(_SIGNALLED + sig)
        self._drain_by_s = time.monotonic() + self._drain_timeout_s
        self._lifecycle.drain()

    async def on_tick(self, counter: int) -> bool:
        """Ends the main loop when draining is over, or where starting failed."""
        if self._lifecycle.problem is not None:
            self.should_exit = True
        if self._drain_by_s is not None:
            if self._jobs is not None:  # they go on after the next start; who listens is told
                await self._jobs.stop()
            is_late = time.monotonic() >= self._drain_by_s
            self.should_exit = is_late or self._lifecycle.num_in == 0
            if is_late and self._lifecycle.num_in:
                _LOG.warning("%d requests did not end in time", self._lifecycle.num_in)
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Cuts what is left; that a cut request ends in the middle is no defect, and not logged."""
        log = logging.getLogger("uvicorn.error")
        log.addFilter(_is_no_cut)
        try:
            await super().shutdown(sockets)
        finally:
            log.removeFilter(_is_no_cut)


def _is_no_cut(record: logging.LogRecord) -> bool:
    is_cancelled = record.exc_info is not None and record.exc_info[0] is asyncio.CancelledError
    return not is_cancelled


def _config(app: FastAPI, services: Services) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=PatientProtocol,
        ws="websockets-sansio",
        ws_max_size=services.settings.limits.websocket_message,
        lifespan="on",
        log_config=None,  # `json_logs` has them
        access_log=False,  # the front door's lines say more
        server_header=False,
        timeout_graceful_shutdown=_CUT_S,
        backlog=_BACKLOG,
    )


def _listener(host: str, port: int) -> socket.socket:
    """Returns a listening socket; port 0 takes a free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except (OSError, OverflowError) as error:
        raise OutputError(
            f"cannot listen on {host} port {port}: {error}; choose another with --host and --port."
        ) from error
    listener.set_inheritable(False)
    return listener
