"""What the studio works with, made of a server's services."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from intone.cli.studio_jobs import StudioJobs
from intone.cli.studio_models import StudioModels
from intone.cli.studio_training.desk import TrainingHere
from intone.cli.studio_training.folders import training_directory
from intone.deploy.served_models import ModelsHere
from intone.render.outputs import OutputFolder
from intone.server.auth import ANYBODY, caller_of
from intone.server.services import Services
from intone.studio.desk import Desk


def studio_desk(services: Services, source: ModelsHere) -> Desk:
    """Returns the desk; nothing is loaded or written by making it."""
    settings, limits = services.settings, services.settings.limits
    jobs = services.jobs
    return Desk(
        models=StudioModels(services, source),
        library=services.library,
        takes=_takes_of(_directory(settings.studio.takes)),
        who=lambda connection: caller_of(connection).key_id,
        training=_training(services, source) if settings.studio.training else None,
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
