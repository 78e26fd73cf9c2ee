"""The models of a studio whose takes are made by a server elsewhere."""

from __future__ import annotations

from collections.abc import AsyncIterator

from intone.cli.machine_memory import MachineMemory
from intone.cli.records import UNKNOWN_DTYPE
from intone.cli.remote_source import RemoteSource
from intone.cli.studio_leases import LeasedModels
from intone.core.errors import DownloadError, ModelNotFoundError, UnknownVoiceError
from intone.core.types import ModelKind
from intone.models.pull import PullProgress
from intone.prompt.spec import preset_key
from intone.render.ear import Ear
from intone.render.sidecar import ModelRecord
from intone.server.services import Services
from intone.studio.desk import LoadedModel, MachineState


class RemoteStudioModels(LeasedModels):
    """Implements the studio's `Models` with a server; what it cannot do is said in words."""

    def __init__(self, services: Services, source: RemoteSource) -> None:
        super().__init__(services, source)
        self._source = source

    def states(self) -> tuple[LoadedModel, ...]:
        """Returns none: what is in memory there is the server's business."""
        return ()

    def for_voice(self, voice: str | None) -> str:
        for name in self._ordered():
            voices = self.describe(name).voices
            if voices and (voice is None or preset_key(voice) in map(preset_key, voices)):
                return name
        if voice is None:
            return self._source.default()
        where = "is kept on this machine" if voice in self._services.library else "is unknown"
        raise UnknownVoiceError(
            f"voice {voice!r} {where}, and {self._source.url} speaks; import it there (POST "
            "/v1/audio/voices/import), or choose one of the list."
        )

    def for_kind(self, kind: ModelKind) -> str:
        found = next((one for one in self._ordered() if self.describe(one).kind == kind), None)
        if found is None:
            raise ModelNotFoundError(
                f"{self._source.url} has no model of the kind {kind}; pull one there."
            )
        return found

    def ear(self, key_id: str, model: str) -> Ear | None:
        """Returns None: servers compute no x-vectors for others."""
        return None

    def record(self, model: str) -> ModelRecord:
        can = self.describe(model)
        return ModelRecord(
            name=model,
            kind=can.kind,
            size=can.size,
            fingerprint=self._source.fingerprint(model),
            device=self._source.url,
            dtype=UNKNOWN_DTYPE,
            threads=0,
        )

    async def free(self) -> tuple[str, ...]:
        return await self._services.pool.free_idle()

    def pull(self, name: str) -> AsyncIterator[PullProgress]:
        """Raises DownloadError: models are pulled where they run."""
        raise DownloadError(
            f"{name} would be pulled to this machine, and {self._source.url} speaks; pull it there "
            "(intone models pull)."
        )

    def machine(self) -> MachineState:
        memory = MachineMemory.here()
        return MachineState(
            process_bytes=memory.process_bytes,
            available_bytes=memory.available_bytes,
            total_bytes=memory.total_bytes,
            device=self._source.url,
            dtype=UNKNOWN_DTYPE,
            threads=0,
        )

    def _ordered(self) -> list[str]:
        """Returns the models of the server, those of the preferred size first."""
        return sorted(self.names(), key=lambda one: self.describe(one).size.lower() != self._size)
