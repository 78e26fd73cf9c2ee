"""What both desks of models have in common: names, sizes, and a model in its turn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from intone.core.types import Capabilities
from intone.server.background import BackgroundModel, background_turn
from intone.server.models import ModelSource
from intone.server.services import Services
from intone.studio.desk import Size, SpeakingModel, ThreadModel


class LeasedModels:
    """The part of the studio's `Models` that the pool of a server fills."""

    def __init__(self, services: Services, source: ModelSource) -> None:
        """Loads nothing."""
        self._services = services
        self._models = source
        self._size: Size = "0.6b"

    def names(self) -> tuple[str, ...]:
        return self._models.names()

    def describe(self, name: str) -> Capabilities:
        return self._models.describe(name)

    def memory_bytes(self, name: str) -> int:
        return self._models.memory_bytes(name)

    def preferred_size(self) -> Size:
        return self._size

    def prefer(self, size: Size) -> None:
        self._size = size

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
