"""What the studio works with, made of a server's services."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from intone.cli.remote_source import RemoteSource
from intone.cli.studio_jobs import StudioJobs
from intone.cli.studio_models import StudioModels
from intone.cli.studio_remote import RemoteStudioModels
from intone.cli.studio_training.desk import TrainingHere
from intone.cli.studio_training.folders import training_directory
from intone.deploy.served_models import ModelsHere
from intone.render.outputs import OutputFolder
from intone.server.auth import ANYBODY, caller_of
from intone.server.services import Services
from intone.studio.desk import Desk, Models
from intone.studio.training.desk import TrainingDesk


def studio_desk(services: Services, source: ModelsHere) -> Desk:
    """Returns the desk over the models of this machine; nothing is loaded or written by it."""
    models = StudioModels(services, source)
    has_training = services.settings.studio.training
    return _desk(services, models, _training(services, source) if has_training else None)


def remote_studio_desk(services: Services, source: RemoteSource) -> Desk:
    """Returns the desk over a server; its models cannot be trained from here."""
    return _desk(services, RemoteStudioModels(services, source), None)


def _desk(services: Services, models: Models, training: TrainingDesk | None) -> Desk:
    settings, limits = services.settings, services.settings.limits
    jobs = services.jobs
    return Desk(
        models=models,
        library=services.library,
        takes=_takes_of(_directory(settings.studio.takes)),
        who=lambda connection: caller_of(connection).key_id,
        training=training,
        jobs=None if jobs is None else StudioJobs(jobs, limits.job_characters),
        limit_upload_bytes=limits.upload,
        limit_characters=limits.text_characters,
    )


def _training(services: Services, source: ModelsHere) -> TrainingHere:
    def models() -> dict[str, Path]:
        return {name: source.directory(name) for name in source.names()}

    return TrainingHere.open(training_directory(os.environ), services.library, models)


def _takes_of(directory: Path) -> Callable[[str], OutputFolder]:
    """Returns where each key's takes are: without keys in the folder itself."""

    def takes(key_id: str) -> OutputFolder:
        if key_id == ANYBODY.key_id:
            return OutputFolder(directory)
        return OutputFolder(directory / "keys" / key_id)

    return takes


def _directory(chosen: str | None) -> Path:
    """Returns the folder of takes: as chosen, else `intone/takes` in XDG_DATA_HOME."""
    if chosen is not None:
        return Path(chosen).expanduser()
    data_home = Path(os.environ.get("XDG_DATA_HOME") or "~/.local/share").expanduser()
    return data_home / "intone" / "takes"
