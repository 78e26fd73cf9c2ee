"""One server as a replica of Ray Serve: what starts it, says how it is, and ends it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from fastapi import FastAPI
from ray import serve
from ray.serve import Application

from intone.core.errors import EngineStoppedError
from intone.deploy.ray.mounted import Mounted
from intone.deploy.ray.plan import ReplicaPlan
from intone.deploy.served_models import ModelsHere
from intone.deploy.services import make_services, server_tracing
from intone.server.app import create_app
from intone.server.binding import check_binding
from intone.server.busy import BusyError
from intone.server.health import broken_model
from intone.server.json_logs import json_logs
from intone.server.services import Services
from intone.server.settings import Settings

DEPLOYMENT = "intone"


class Replica:
    """Ray calls these methods; requests go to the app. It is there when its model is loaded.

    While a replica drains, Ray sends it nothing new and waits for what runs; then the app's own
    end closes the model.
    """

    async def __init__(self, args: Mapping[str, Any]) -> None:  # type: ignore[misc]  # Ray awaits
        """Loads the default model.

        Raises:
            InvalidSettingError: a setting cannot be, or others can reach it and there are no keys.
            ModelError: the model is not here, or cannot be loaded.
        """
        settings = ReplicaPlan.of(args, os.environ).settings
        self._open = ExitStack()
        self._open.enter_context(json_logs(settings.server.log_level))
        tracer = self._open.enter_context(server_tracing(settings))
        self._services = replace(_services(settings), tracer=tracer)
        await _load(self._services)

    def __serve_build_asgi_app__(self) -> FastAPI:
        """Returns the app of `intone serve`, whatever prefix it has in the cluster."""
        app = create_app(self._services)
        app.add_middleware(Mounted)
        return app

    def check_health(self) -> None:
        """Raises EngineStoppedError where only a new replica helps; Ray then starts one."""
        broken = broken_model(self._services)
        if broken is not None:
            raise EngineStoppedError(f"model {broken} died and could not be restarted.")

    def __del__(self) -> None:
        self._open.close()


def application(args: Mapping[str, Any]) -> Application:
    """Returns the application; raises InvalidSettingError for settings that cannot be."""
    plan = ReplicaPlan.of(args, os.environ)
    deployment = serve.deployment(name=DEPLOYMENT, **plan.options())
    return deployment(serve.ingress()(Replica)).bind(dict(args))


def _services(settings: Settings) -> Services:
    services = make_services(settings, ModelsHere(settings.model, os.environ))
    server = settings.server
    check_binding(server.host, has_keys=services.keys.are_needed, is_insecure=server.insecure)
    return services


async def _load(services: Services) -> None:
    while True:
        try:
            async with services.pool.lease(None):
                return
        except BusyError:  # it takes longer than a request would wait
            continue
