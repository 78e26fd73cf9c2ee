"""`intone serve` over HTTP: settings are read, services made, and it runs until a signal."""

from __future__ import annotations

import argparse
import os
import secrets
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import FastAPI

from intone.cli.exit_codes import EXIT_OK
from intone.cli.served_models import ModelsHere
from intone.cli.state_directory import state_directory
from intone.cli.studio_training.folders import trained_models, training_directory
from intone.core.errors import MissingDependencyError
from intone.models.identity import checkpoint_fingerprint
from intone.server.admission import Admission, KeyLimits
from intone.server.compat_settings import compat_layers, compat_notes
from intone.server.jobs.room import JobLimits
from intone.server.jobs.service import JobService
from intone.server.json_logs import json_logs
from intone.server.key_ring import KeyRing
from intone.server.keys import KeyFile, default_key_file
from intone.server.lifecycle import Lifecycle
from intone.server.metrics import Metrics
from intone.server.pool import ModelPool
from intone.server.pool_state import PoolLimits
from intone.server.services import Services
from intone.server.serving import serve
from intone.server.settings import Settings
from intone.server.settings_layers import (
    CONFIG_VARIABLE,
    Effective,
    Layer,
    assignment,
    environment_layer,
    file_layer,
    joined,
    nested,
)
from intone.server.settings_printing import as_toml
from intone.server.tracing import tracing
from intone.voices.library import VoiceLibrary

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

_FLAGS = {
    "host": "server.host",
    "port": "server.port",
    "compat": "server.compat",
    "model": "model.default",
    "device": "model.device",
    "dtype": "model.dtype",
    "threads": "model.threads",
    "memory_budget": "model.memory_budget",
    "save_dir": "studio.takes",
}
_SWITCHES = {
    "insecure": "server.insecure",
    "preload": "model.preload",
    "studio": "studio.enabled",
}


def run(args: argparse.Namespace, defaults: Layer | None = None) -> int:
    """Serves, or prints the settings; returns the exit code.

    Args:
        defaults: of the command, where they differ from those of the settings.
    """
    effective = effective_settings(args, defaults)
    if args.print_config:
        print(as_toml(effective))
        return EXIT_OK
    settings = effective.settings
    if settings.server.compat == "004":
        for note in compat_notes(os.environ):
            print(f"intone: {note}", file=sys.stderr)
    trained = partial(trained_models, training_directory(os.environ))
    source = ModelsHere(settings.model, os.environ, trained if settings.studio.enabled else dict)
    services = make_services(settings, source)
    with json_logs(settings.server.log_level), _tracer(settings) as tracer:
        services = replace(services, tracer=tracer)
        serve(services, _studio(services, source) if settings.studio.enabled else None)
    return EXIT_OK


def effective_settings(args: argparse.Namespace, defaults: Layer | None = None) -> Effective:
    """Returns what holds: flags over environment over file over defaults.

    Raises:
        InvalidSettingError: a name or value that cannot be.
    """
    flags, environment = _flags(args), environment_layer(os.environ)
    path = args.config or os.environ.get(CONFIG_VARIABLE)
    files = [file_layer(Path(path).expanduser())] if path else []
    last = [defaults] if defaults else []
    layers = [flags, environment, *files, *last]
    if joined(layers).settings.server.compat == "004":
        variables, seeded = compat_layers(os.environ)
        layers = [flags, environment, variables, *files, seeded, *last]
    return joined(layers)


def make_services(settings: Settings, source: ModelsHere) -> Services:
    """Returns the services over the models of this machine; nothing is loaded.

    Raises:
        InvalidSettingError: the file of keys is damaged.
    """
    queue, clock = settings.queue, time.monotonic
    keys = KeyRing(_key_file(settings), _default_limits(settings))
    limits = PoolLimits(
        memory_budget_bytes=settings.model.memory_budget,
        max_models=settings.model.max_loaded,
        max_wait_s=settings.model.load_wait_s,
    )
    pool = ModelPool(source, limits, clock)
    admission = Admission(
        max_running=queue.running,
        max_waiting=queue.waiting,
        max_wait_s=queue.wait_s,
        clock=clock,
        limits_of=keys.limits_of,
    )
    services = Services(
        settings=settings,
        source=source,
        pool=pool,
        admission=admission,
        library=VoiceLibrary.from_env(os.environ),
        metrics=Metrics(),
        keys=keys,
        clock=clock,
        lifecycle=Lifecycle("starting"),
    )
    return replace(services, jobs=_jobs(services, source)) if settings.jobs.enabled else services


def _studio(services: Services, source: ModelsHere) -> Callable[[FastAPI], None]:
    """Returns what puts the studio into the app.

    Raises:
        MissingDependencyError: its extra is not installed.
    """
    try:
        from intone.cli.studio_desk import studio_desk
        from intone.studio.app import mount_studio
    except ModuleNotFoundError as error:
        package = (error.name or "intone").partition(".")[0]
        if package == "intone":
            raise
        raise MissingDependencyError(
            f"the studio needs {package}; install intone[studio]."
        ) from error

    def extend(app: FastAPI) -> None:
        services.lifecycle.when_draining(mount_studio(app, studio_desk(services, source)))

    return extend


def _tracer(settings: Settings) -> AbstractContextManager[Tracer | None]:
    return tracing(os.environ) if settings.otel else nullcontext()


def _jobs(services: Services, source: ModelsHere) -> JobService:
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
        fingerprint=lambda name: checkpoint_fingerprint(source.directory(name)),
    )


def _key_file(settings: Settings) -> KeyFile:
    given = settings.server.keys_file
    return KeyFile(Path(given).expanduser()) if given else default_key_file(os.environ)


def _default_limits(settings: Settings) -> KeyLimits:
    queue = settings.queue
    return KeyLimits(
        requests_per_minute=queue.key_requests_per_minute, max_concurrent=queue.key_concurrent
    )


def _flags(args: argparse.Namespace) -> Layer:
    values = {name: vars(args)[flag] for flag, name in _FLAGS.items()}
    given: dict[str, object] = {name: v for name, v in values.items() if v is not None}
    given |= {name: True for flag, name in _SWITCHES.items() if vars(args)[flag]}
    if args.wyoming is not None:
        given["wyoming.enabled"] = True
        if args.wyoming >= 0:
            given["wyoming.port"] = args.wyoming
    given |= dict(assignment(words) for words in args.set or ())
    return Layer("flag", nested(given))
