"""The services of one server, made from its settings; nothing is loaded by making them."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from intone.deploy.sizing import running_of
from intone.deploy.state_directory import state_directory
from intone.server.admission import Admission, KeyLimits
from intone.server.jobs.room import JobLimits
from intone.server.jobs.service import JobService
from intone.server.key_ring import KeyRing
from intone.server.keys import KeyFile, default_key_file
from intone.server.lifecycle import Lifecycle
from intone.server.metrics import Metrics
from intone.server.models import ModelSource
from intone.server.pool import ModelPool
from intone.server.pool_state import PoolLimits
from intone.server.services import Services
from intone.server.settings import Settings
from intone.server.tracing import tracing
from intone.voices.library import VoiceLibrary

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer


class KnownModels(ModelSource, Protocol):
    """Models that can be told from others: a job does not go on with other weights."""

    def fingerprint(self, name: str) -> str:
        """Returns what tells the weights of a model from others; raises ModelNotFoundError."""
        ...


def make_services(settings: Settings, source: KnownModels) -> Services:
    """Returns the services over models, in the phase "starting".

    Raises:
        InvalidSettingError: the file of keys is damaged, or the device is not here.
    """
    keys = KeyRing(_key_file(settings, os.environ), _default_limits(settings))
    services = Services(
        settings=settings,
        source=source,
        pool=_pool(settings, source),
        admission=_admission(settings, keys),
        library=VoiceLibrary.from_env(os.environ),
        metrics=Metrics(),
        keys=keys,
        clock=time.monotonic,
        lifecycle=Lifecycle("starting"),
    )
    return replace(services, jobs=_jobs(services, source)) if settings.jobs.enabled else services


def server_tracing(settings: Settings) -> AbstractContextManager[Tracer | None]:
    """Returns what sends spans while the context lasts; None where that was not asked for."""
    return tracing(os.environ) if settings.otel else nullcontext()


def _pool(settings: Settings, source: ModelSource) -> ModelPool:
    limits = PoolLimits(
        memory_budget_bytes=settings.model.memory_budget,
        max_models=settings.model.max_loaded,
        max_wait_s=settings.model.load_wait_s,
    )
    return ModelPool(source, limits, time.monotonic)


def _admission(settings: Settings, keys: KeyRing) -> Admission:
    return Admission(
        max_running=running_of(settings),
        max_waiting=settings.queue.waiting,
        max_wait_s=settings.queue.wait_s,
        clock=time.monotonic,
        limits_of=keys.limits_of,
    )


def _jobs(services: Services, source: KnownModels) -> JobService:
    wanted = services.settings.jobs
    return JobService(
        Path(wanted.directory).expanduser()
        if wanted.directory
        else state_directory(os.environ) / "jobs",
        JobLimits(
            workers=wanted.workers,
            max_jobs=wanted.max_jobs,
            max_size_bytes=wanted.max_size,
            keep_days=wanted.keep_days,
        ),
        source=source,
        pool=services.pool,
        admission=services.admission,
        library=services.library,
        metrics=services.metrics,
        wall_clock=time.time,
        new_id=lambda: secrets.token_hex(8),
        fingerprint=source.fingerprint,
    )


def _key_file(settings: Settings, environ: Mapping[str, str]) -> KeyFile:
    given = settings.server.keys_file
    return KeyFile(Path(given).expanduser()) if given else default_key_file(environ)


def _default_limits(settings: Settings) -> KeyLimits:
    queue = settings.queue
    return KeyLimits(
        requests_per_minute=queue.key_requests_per_minute, max_concurrent=queue.key_concurrent
    )
