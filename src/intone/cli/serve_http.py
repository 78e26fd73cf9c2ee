"""`intone serve` over HTTP: settings are read, services made, and it runs until a signal."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from fastapi import FastAPI

from intone.cli.exit_codes import EXIT_OK
from intone.cli.remote_source import RemoteSource
from intone.cli.server_choice import KEY_VARIABLE
from intone.cli.studio_training.folders import trained_models, training_directory
from intone.core.errors import MissingDependencyError
from intone.deploy.served_models import ModelsHere
from intone.deploy.services import make_services, server_tracing
from intone.server.compat_settings import compat_layers, compat_notes
from intone.server.json_logs import json_logs
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

_FLAGS = {
    "host": "server.host",
    "port": "server.port",
    "compat": "server.compat",
    "model": "model.default",
    "device": "model.device",
    "dtype": "model.dtype",
    "profile": "model.profile",
    "threads": "model.threads",
    "memory_budget": "model.memory_budget",
    "save_dir": "studio.takes",
}
_SWITCHES = {
    "insecure": "server.insecure",
    "preload": "model.preload",
    "eager": "model.eager",
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
    source = _source(args, settings)
    services = make_services(settings, source)
    with json_logs(settings.server.log_level), server_tracing(settings) as tracer:
        services = replace(services, tracer=tracer)
        serve(services, _studio(services, source) if settings.studio.enabled else None)
    if isinstance(source, RemoteSource):
        source.close()
    return EXIT_OK


def _source(args: argparse.Namespace, settings: Settings) -> ModelsHere | RemoteSource:
    """Returns the models of this machine, or of the server that was named."""
    if args.server is not None:
        key = args.api_key or os.environ.get(KEY_VARIABLE)
        source = RemoteSource(args.server, key, settings.model.default)
        source.names()  # nobody there is told now, not on the page
        return source
    trained = partial(trained_models, training_directory(os.environ))
    return ModelsHere(settings.model, os.environ, trained if settings.studio.enabled else dict)


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


def _studio(services: Services, source: ModelsHere | RemoteSource) -> Callable[[FastAPI], None]:
    """Returns what puts the studio into the app.

    Raises:
        MissingDependencyError: its extra is not installed.
    """
    try:
        from intone.cli.studio_desk import remote_studio_desk, studio_desk
        from intone.studio.app import mount_studio
    except ModuleNotFoundError as error:
        package = (error.name or "intone").partition(".")[0]
        if package == "intone":
            raise
        raise MissingDependencyError(
            f"the studio needs {package}; install intone[studio]."
        ) from error

    def extend(app: FastAPI) -> None:
        if isinstance(source, RemoteSource):
            desk = remote_studio_desk(services, source)
        else:
            desk = studio_desk(services, source)
        services.lifecycle.when_draining(mount_studio(app, desk))

    return extend


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
