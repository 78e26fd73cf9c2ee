"""The models of a studio whose takes are made by a server elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from intone.cli.machine_memory import MachineMemory
from intone.cli.records import UNKNOWN_DTYPE
from intone.cli.remote_source import RemoteSource
from intone.core.errors import DownloadError, ModelNotFoundError, UnknownVoiceError
from intone.core.types import Capabilities, ModelKind
from intone.models.pull import PullProgress
from intone.prompt.spec import preset_key
from intone.render.ear import Ear
from intone.render.sidecar import ModelRecord
from intone.server.background import BackgroundModel, background_turn
from intone.server.services import Services
from intone.studio.desk import LoadedModel, MachineState, Size, SpeakingModel, ThreadModel


class RemoteStudioModels:
    """Implements the studio's `Models` with a server; what it cannot do is said in words."""

    def __init__(self, services: Services, source: RemoteSource) -> None:
        self._services = services
        self._source = source
        self._size: Size = "0.6b"

    def names(self) -> tuple[str, ...]:
        return self._source.names()

    def describe(self, name: str) -> Capabilities:
        return self._source.describe(name)

    def memory_bytes(self, name: str) -> int:
        return self._source.memory_bytes(name)

    def states(self) -> tuple[LoadedModel, ...]:
        """Returns none: what is in memory there is the server's business."""
        return ()

    def preferred_size(self) -> Size:
        return self._size

    def prefer(self, size: Size) -> None:
        self._size = size

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

    @asynccontextmanager
    async def lease(self, key_id: str, model: str) -> AsyncIterator[SpeakingModel]:
        services = self._services
        async with services.admission.admit(key_id), services.pool.lease(model) as leased:
            yield leased

    def in_thread(self, key_id: str, model: str) -> ThreadModel:
        services = self._services
        turn = background_turn(
            services.admission, services.pool, key_id=key_id, model=model, is_background=False
        )
        return BackgroundModel(asyncio.get_running_loop(), self.describe(model), turn)

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
