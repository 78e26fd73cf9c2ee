"""What the pool of models knows about each, and how much it may keep."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from intone.core.byte_sizes import format_bytes
from intone.core.errors import InvalidSettingError
from intone.server.busy import BusyError
from intone.server.models import ServedModel

_RETRY_S = 5.0

Status = Literal["loading", "ready", "closing", "restarting", "failed"]
"""restarting: its engine died, and it is being closed and opened anew. failed: that did not work;
the next request tries again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelState:
    """How one model stands."""

    name: str
    status: Status
    num_leases: int
    memory_bytes: int
    """What the budget counts for it."""


@dataclass(slots=True, eq=False)
class PoolEntry:
    """One model, from the start of its loading to the end of its closing."""

    name: str
    memory_bytes: int
    status: Status = "loading"
    model: ServedModel | None = None
    num_leases: int = 0
    last_used_s: float = 0.0
    work: asyncio.Task[None] | None = None
    """Loads, closes or restarts it."""

    @property
    def is_idle(self) -> bool:
        return self.status == "ready" and self.num_leases == 0

    def give_up(self) -> None:
        self.status, self.model, self.memory_bytes = "failed", None, 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolLimits:
    """How much is kept, and how long requests wait."""

    memory_budget_bytes: int | None = None
    """Of all models together, by `ModelSource.memory_bytes`; None keeps every model."""
    max_models: int | None = None
    """In memory at once: 1 frees the old weights before new ones load; None is any number."""
    max_wait_s: float = 60.0
    """For room and for loading; a load goes on when its requests have left."""
    patience_s: float = 2.0
    """A request that has waited this long for room stops new leases of the others' models."""

    def excess(self, entries: Iterable[PoolEntry], memory_bytes: int) -> Excess:
        """Returns by how much these and one more model are too many."""
        here = [entry for entry in entries if entry.status != "failed"]
        total_bytes = sum(entry.memory_bytes for entry in here) + memory_bytes
        budget_bytes, max_models = self.memory_budget_bytes, self.max_models
        return Excess(
            num_bytes=0 if budget_bytes is None else total_bytes - budget_bytes,
            num_models=0 if max_models is None else len(here) + 1 - max_models,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Excess:
    """What has to go before another model may come; nothing where neither is above zero."""

    num_bytes: int
    num_models: int

    @property
    def is_none(self) -> bool:
        return self.num_bytes <= 0 and self.num_models <= 0

    def without(self, entry: PoolEntry) -> Excess:
        """Returns what is left to go when a model has gone."""
        return Excess(num_bytes=self.num_bytes - entry.memory_bytes, num_models=self.num_models - 1)


@dataclass(slots=True)
class PoolCounts:
    """What happened since the start, for metrics."""

    loads: int = 0
    evictions: int = 0
    restarts: int = 0
    failures: int = 0


def check_could_fit(name: str, memory_bytes: int, limits: PoolLimits) -> None:
    """Raises InvalidSettingError, with the numbers, for a model that the budget can never hold."""
    budget_bytes = limits.memory_budget_bytes
    if budget_bytes is not None and memory_bytes > budget_bytes:
        raise InvalidSettingError(
            f"model {name!r} needs {format_bytes(memory_bytes)}; this server's memory budget is "
            f"{format_bytes(budget_bytes)}. Ask for a smaller model (GET /v1/models), or start the "
            "server with a larger memory budget."
        )


def not_ready_in_time(name: str, limits: PoolLimits) -> BusyError:
    """Returns the error of a request that has waited long enough."""
    return BusyError(
        f"model {name!r} was not ready within {limits.max_wait_s:g} s: it is loading, or others "
        "are in use and leave it no room. Try again shortly.",
        status=503,
        retry_after_s=_RETRY_S,
    )
