"""What the listener has not taken yet, and a seat that a slow listener gives away."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import AsyncExitStack

from intone.server.live.speaking import Sound, Spoken
from intone.server.models import ServedModel
from intone.server.services import Services


class Outbox:
    """Items on their way from who speaks to who sends; on one event loop."""

    def __init__(self, limit_samples: int) -> None:
        """Begins empty.

        Args:
            limit_samples: from there on it is full. Nothing is dropped: whoever speaks waits.
        """
        self._limit_samples = limit_samples
        self._items: deque[Spoken] = deque()
        self._num_samples = 0
        self._is_closed = False
        self._changed = asyncio.Condition()

    @property
    def is_full(self) -> bool:
        return self._num_samples >= self._limit_samples

    async def put(self, item: Spoken) -> None:
        """Appends an item."""
        async with self._changed:
            self._items.append(item)
            self._num_samples += _length(item)
            self._changed.notify_all()

    async def close(self) -> None:
        """Says that nothing follows."""
        async with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    async def get(self) -> Spoken | None:
        """Returns the next item; None when nothing follows."""
        async with self._changed:
            await self._changed.wait_for(lambda: bool(self._items) or self._is_closed)
            if not self._items:
                return None
            item = self._items.popleft()
            self._num_samples -= _length(item)
            self._changed.notify_all()
            return item

    async def room(self) -> None:
        """Returns when it is not full."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self.is_full)


class Seat:
    """A place and a model for one text. Between two takes, a full outbox gives both away."""

    def __init__(self, services: Services, outbox: Outbox, *, key_id: str, model: str) -> None:
        self._services = services
        self._outbox = outbox
        self._key_id = key_id
        self._name = model
        self._held = AsyncExitStack()
        self._model: ServedModel | None = None
        self._was_in = False

    async def model(self) -> ServedModel:
        """Returns the model for the next take, when there is a place and room for its sound.

        Raises:
            BusyError: no place, or no room for the model, in time.
            ModelError: it cannot be loaded.
        """
        if self._outbox.is_full:  # the listener is slow: others get place and model
            await self.leave()
            await self._outbox.room()
        if self._model is None:
            admission, pool = self._services.admission, self._services.pool
            await self._held.enter_async_context(
                admission.admit(self._key_id, is_resumed=self._was_in)
            )
            self._was_in = True
            self._model = await self._held.enter_async_context(pool.lease(self._name))
        return self._model

    async def leave(self) -> None:
        """Gives place and model back."""
        self._model = None
        await self._held.aclose()


def _length(item: Spoken) -> int:
    return len(item.samples) if isinstance(item, Sound) else 0
