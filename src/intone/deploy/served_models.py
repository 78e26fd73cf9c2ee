"""The models that `intone serve` offers: those of this machine, by names that are no paths.

A request names a model by alias, hub id or "builtin"; what was given on the command line as a
directory is known by the directory's name. Nothing a request says is looked up as a path.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from intone.core.errors import ModelNotFoundError
from intone.core.types import Capabilities
from intone.deploy.sizing import slots_of
from intone.engine.budget import fit_of
from intone.engine.plan import EnginePlan
from intone.engine.settings import EngineSettings
from intone.models.description import ModelDescription
from intone.models.hub import (
    ALIASES,
    HubSettings,
    directory_bytes,
    list_installed,
)
from intone.models.identity import checkpoint_fingerprint
from intone.server.sections import ModelSection
from intone.tts import TTS
from intone.voices.builtin_voice import BUILTIN_MODEL, builtin_directory

_PREFERRED = ("1.7b-custom", "0.6b-custom", BUILTIN_MODEL)


class ModelsHere:
    """Implements `ModelSource` with `TTS`."""

    def __init__(
        self,
        settings: ModelSection,
        environ: Mapping[str, str],
        trained: Callable[[], Mapping[str, Path]] = dict,
    ) -> None:
        """Loads nothing.

        Args:
            trained: returns the models that were trained here, by name.

        Raises:
            ModelNotFoundError: the default, or one that shall be served, is not here.
        """
        self._settings = settings
        self._trained = trained
        self._sizes: dict[Path, int] = {}
        self._hub = HubSettings.from_env(environ)
        given = (*([settings.default] if settings.default else []), *settings.served)
        self._given = {Path(name).name: Path(name) for name in given if Path(name).is_dir()}
        self._default = None if settings.default is None else _given_name(settings.default)
        self._served = {_given_name(name) for name in settings.served}
        for name in given:
            self.directory(_given_name(name))

    def default(self) -> str:
        if self._default is not None:
            return self._default
        here = self._directories()
        found = (name for name in (*_PREFERRED, *here) if name in here)
        default = next(found, None)
        if default is None:
            raise ModelNotFoundError("there is no model on this machine; intone models pull one.")
        return default

    def names(self) -> tuple[str, ...]:
        return tuple(self._directories())

    def describe(self, name: str) -> Capabilities:
        public = _public_name(name)
        can = TTS(self.directory(public)).capabilities()
        return replace(can, model=public)

    def memory_bytes(self, name: str) -> int:
        directory = self.directory(_public_name(name))
        if directory not in self._sizes:  # every request asks, and counting reads many files
            self._sizes[directory] = self._counted_bytes(directory)
        return self._sizes[directory]

    def plan(self, name: str) -> EnginePlan:
        """Returns how a model would be run; loads nothing. Raises ModelNotFoundError."""
        return self._plan(self.directory(_public_name(name)))

    def fingerprint(self, name: str) -> str:
        """Returns what tells the weights of a model from others; raises ModelNotFoundError."""
        return checkpoint_fingerprint(self.directory(_public_name(name)))

    def lasting_name(self, name: str) -> str:
        """Returns a name that means the same model to every command, from any directory."""
        public = _public_name(name)
        is_directory = public in self._given or public in self._trained()
        return str(self.directory(public).resolve()) if is_directory else public

    def _plan(self, directory: Path) -> EnginePlan:
        return EnginePlan.of(ModelDescription.read(directory), self._engine_settings())

    def _counted_bytes(self, directory: Path) -> int:
        plan = self._plan(directory)
        if not plan.runs_graphs:
            return directory_bytes(directory)
        return fit_of(plan.description, plan.dtype, plan.num_slots, plan.num_positions).needed_bytes

    def open(self, name: str) -> TTS:
        directory = self.directory(_public_name(name))
        wanted = self._settings
        return TTS(
            directory,
            device=wanted.device,
            dtype=wanted.dtype,
            threads=wanted.threads,
            num_slots=slots_of(wanted),
            profile=wanted.profile,
            eager=wanted.eager,
        )

    def directory(self, name: str) -> Path:
        """Returns where a model lies, by its public name; raises ModelNotFoundError."""
        here = self._directories()
        if name not in here:
            raise ModelNotFoundError(
                f"model {name!r} is not served here; there are: {', '.join(here)}. Whoever runs "
                "this server can add one: intone models pull."
            )
        return here[name]

    def _engine_settings(self) -> EngineSettings:
        wanted = self._settings
        return EngineSettings(
            device=wanted.device,
            dtype=wanted.dtype,
            threads=wanted.threads,
            num_slots=slots_of(wanted),
            profile=wanted.profile,
            eager=wanted.eager,
        )

    def _directories(self) -> dict[str, Path]:
        """Returns every model that may be asked for; what was pulled meanwhile is among them."""
        found = dict(self._given)
        try:
            found[BUILTIN_MODEL] = builtin_directory()
        except ModelNotFoundError:
            pass
        for model in list_installed(self._hub):
            if model.is_complete:
                found.setdefault(model.alias or model.repo_id, model.path)
        trained = self._trained()
        found = {**trained, **found}
        if not self._served:
            return found
        # Whoever offers training wants to hear what came of it.
        allowed = self._served | {self._default} | trained.keys()
        return {name: path for name, path in found.items() if name in allowed}


def _given_name(model: str) -> str:
    """Returns the public name of what the settings name, a directory perhaps."""
    return Path(model).name if Path(model).is_dir() else _public_name(model)


def _public_name(model: str) -> str:
    """Returns the one name of a model: its alias where it has one."""
    lowered = model.lower()
    by_id = {repo_id.lower(): alias for alias, repo_id in ALIASES.items()}
    return by_id.get(lowered, lowered if lowered in ALIASES else model)
