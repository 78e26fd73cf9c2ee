"""Everything that routes use, in one frozen value; made once by whoever starts the server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from intone.server.admission import Admission
from intone.server.key_ring import KeyRing
from intone.server.lifecycle import Lifecycle
from intone.server.metrics import Metrics
from intone.server.models import ModelSource
from intone.server.pool import ModelPool
from intone.server.settings import Settings
from intone.server.speech.clones import CloneCache
from intone.voices.library import VoiceLibrary

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

    from intone.server.jobs.service import JobService


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What a server consists of."""

    settings: Settings
    source: ModelSource
    pool: ModelPool
    admission: Admission
    library: VoiceLibrary
    metrics: Metrics
    keys: KeyRing
    clock: Callable[[], float]
    """Seconds that never go back."""
    jobs: JobService | None = None
    tracer: Tracer | None = None
    lifecycle: Lifecycle = field(default_factory=Lifecycle)
    clones: CloneCache = field(default_factory=CloneCache)


def services_of(connection: HTTPConnection) -> Services:
    """Returns the services of the app that answers, HTTP or WebSocket."""
    services = connection.app.state.services
    assert isinstance(services, Services)
    return services


async def _services(connection: HTTPConnection) -> Services:
    return services_of(connection)


TheServices = Annotated[Services, Depends(_services)]
"""A parameter of a route that is given the services."""
