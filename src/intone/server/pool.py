"""The models of one server: loaded on first use, kept under a budget, never loaded twice at once.

A request holds a lease while it uses a model. Before a model is loaded, idle ones give way, the
least recently used first; where none is idle, the request waits. Everything but loading and closing
runs on the event loop's thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import reduce

from intone.core.errors import EngineStoppedError
from intone.server.models import ModelSource, ServedModel
from intone.server.pool_line import Line, Waiting
from intone.server.pool_state import (
    Excess,
    ModelState,
    PoolCounts,
    PoolEntry,
    PoolLimits,
    check_could_fit,
    not_ready_in_time,
)


class ModelPool:
    """Hands models out."""

    def __init__(
        self,
        source: ModelSource,
        limits: PoolLimits,
        clock: Callable[[], float],
    ) -> None:
        """Loads nothing.

        Args:
            clock: seconds that never go back.
        """
        self.counts = PoolCounts()
        self._source = source
        self._limits = limits
        self._clock = clock
        self._entries: dict[str, PoolEntry] = {}
        self._line = Line()
        self._changed = asyncio.Event()
        self._is_closed = False

    @asynccontextmanager
    async def lease(self, name: str | None) -> AsyncIterator[ServedModel]:
        """Waits until a model is loaded and keeps it loaded while the context lasts.

        Args:
            name: as the source knows it; None is its default.

        Raises:
            ModelNotFoundError: no such model on this machine.
            InvalidSettingError: the budget could never hold it.
            ModelError: it cannot be loaded.
            BusyError: no room in time, or it takes longer to load than a request may wait.
            EngineStoppedError: the pool is closed.
        """
        entry, model = await self._acquire(name)
        try:
            yield model
        except EngineStoppedError:
            self._engine_died(entry, model)
            raise
        finally:
            if entry.model is model:
                entry.num_leases -= 1
                entry.last_used_s = self._clock()
            self._wake()

    def states(self) -> tuple[ModelState, ...]:
        """Returns every model that is loaded, or on its way in or out."""
        return tuple(
            ModelState(
                name=entry.name,
                status=entry.status,
                num_leases=entry.num_leases,
                memory_bytes=entry.memory_bytes,
            )
            for entry in self._entries.values()
        )

    async def free_idle(self) -> tuple[str, ...]:
        """Closes every model that nobody holds; returns their names when their memory is free."""
        idle = [entry for entry in self._entries.values() if entry.is_idle]
        for entry in idle:
            self._evict(entry)
        works = [entry.work for entry in idle if entry.work is not None]
        await asyncio.gather(*works)
        return tuple(entry.name for entry in idle)

    async def close(self) -> None:
        """Closes every model; running requests end as cancelled, and nothing is handed out again.

        A load that is under way is waited for: a thread cannot be stopped.
        """
        self._is_closed = True
        self._wake()
        works = [entry.work for entry in self._entries.values() if entry.work is not None]
        await asyncio.gather(*works, return_exceptions=True)
        models = [entry.model for entry in self._entries.values() if entry.model is not None]
        self._entries.clear()
        await asyncio.gather(*(asyncio.to_thread(model.close) for model in models))

    async def _acquire(self, name: str | None) -> tuple[PoolEntry, ServedModel]:
        asked = self._source.default() if name is None else name
        capabilities = await asyncio.to_thread(self._source.describe, asked)
        key = capabilities.model  # two names of one model are one model
        memory_bytes = await asyncio.to_thread(self._source.memory_bytes, asked)
        check_could_fit(asked, memory_bytes, self._limits)
        try:
            async with asyncio.timeout(self._limits.max_wait_s):
                return await self._leased(key, memory_bytes)
        except TimeoutError:
            raise not_ready_in_time(asked, self._limits) from None

    async def _leased(self, key: str, memory_bytes: int) -> tuple[PoolEntry, ServedModel]:
        waiting = self._line.join(key, self._clock())
        try:
            while True:
                self._check_open()
                waiting.needs_room = False
                entry = self._entries.get(key)
                if entry is None or entry.status == "failed":
                    entry = self._begin_load(waiting, memory_bytes)
                if entry is not None and entry.status == "loading" and entry.work is not None:
                    await asyncio.shield(entry.work)  # raises what the load raised
                if (
                    entry is not None
                    and entry.model is not None
                    and self._may_lease(entry, waiting)
                ):
                    entry.num_leases += 1
                    return entry, entry.model
                await self._until_changed()
        finally:
            self._line.leave(waiting)
            self._wake()

    def _begin_load(self, waiting: Waiting, memory_bytes: int) -> PoolEntry | None:
        """Returns the entry of a load that has begun, or None where room must be made first."""
        waiting.needs_room = True
        if self._must_stand_back(waiting) or not self._has_room(waiting, memory_bytes):
            return None
        self._line.serve(waiting.key)
        entry = PoolEntry(waiting.key, memory_bytes)
        self._entries[waiting.key] = entry
        entry.work = asyncio.create_task(self._load(entry))
        entry.work.add_done_callback(_seen)
        return entry

    def _may_lease(self, entry: PoolEntry, waiting: Waiting) -> bool:
        return entry.status == "ready" and not self._must_stand_back(waiting)

    def _must_stand_back(self, waiting: Waiting) -> bool:
        return self._line.must_stand_back(waiting, self._clock() - self._limits.patience_s)

    def _has_room(self, waiting: Waiting, memory_bytes: int) -> bool:
        """Whether a model fits now; evicts idle ones towards it, as many as it takes."""
        excess = self._limits.excess(self._entries.values(), memory_bytes)
        if excess.is_none:
            return True
        for entry in self._entries.values():
            if entry.status == "closing":
                excess = excess.without(entry)
        kept = self._line.keys_kept(waiting)
        idle = [
            entry for entry in self._entries.values() if entry.is_idle and entry.name not in kept
        ]
        if not reduce(Excess.without, idle, excess).is_none:
            return False  # closing some of them would not help yet
        for entry in sorted(idle, key=_last_used):
            if excess.is_none:
                break
            excess = excess.without(entry)
            self._evict(entry)
        return False  # it is there when they are gone

    def _evict(self, entry: PoolEntry) -> None:
        self.counts.evictions += 1
        entry.status = "closing"
        entry.work = asyncio.create_task(self._close(entry))
        entry.work.add_done_callback(_seen)

    async def _close(self, entry: PoolEntry) -> None:
        model, entry.model = entry.model, None
        try:
            if model is not None:
                await asyncio.to_thread(model.close)
        finally:
            if self._entries.get(entry.name) is entry:
                del self._entries[entry.name]
            self._wake()

    async def _load(self, entry: PoolEntry) -> None:
        """Opens and loads; where that fails, those who wait are told, and nothing is kept."""
        try:
            model = await self._opened(entry.name)
        except BaseException:
            self.counts.failures += 1
            if self._entries.get(entry.name) is entry:
                del self._entries[entry.name]
            self._wake()
            raise
        self.counts.loads += 1
        entry.model, entry.status, entry.last_used_s = model, "ready", self._clock()
        self._line.serve(entry.name)
        self._wake()

    async def _opened(self, name: str) -> ServedModel:
        """Returns a loaded model; of one that cannot be loaded, nothing stays."""
        model = self._source.open(name)
        try:
            await asyncio.to_thread(model.load)
        except BaseException:
            await asyncio.to_thread(model.close)
            raise
        return model

    def _engine_died(self, entry: PoolEntry, model: ServedModel) -> None:
        """Restarts a model once, however many of its requests tell of its death."""
        if self._is_closed or entry.model is not model or entry.status != "ready":
            return
        self.counts.restarts += 1
        entry.status, entry.model, entry.num_leases = "restarting", None, 0
        entry.work = asyncio.create_task(self._restart(entry, model))
        entry.work.add_done_callback(_seen)

    async def _restart(self, entry: PoolEntry, dead: ServedModel) -> None:
        try:
            await asyncio.to_thread(dead.close)
            model = await self._opened(entry.name)
        except BaseException:
            self.counts.failures += 1
            entry.give_up()
            raise
        else:
            self.counts.loads += 1
            entry.model, entry.status, entry.last_used_s = model, "ready", self._clock()
        finally:
            self._wake()

    async def _until_changed(self) -> None:
        """Waits for a change; after `patience_s` a request looks again by itself."""
        try:
            async with asyncio.timeout(self._limits.patience_s):
                await self._changed.wait()
        except TimeoutError:
            return

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def _check_open(self) -> None:
        if self._is_closed:
            raise EngineStoppedError("the server is stopping; ask again when it is back.")


def _last_used(entry: PoolEntry) -> float:
    return entry.last_used_s


def _seen(task: asyncio.Task[None]) -> None:
    """Takes notice of an error that nobody waits for; those who do are told by the task."""
    if not task.cancelled():
        task.exception()
