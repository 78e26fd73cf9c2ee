"""The pool: one load of a model at a time, a budget that holds, waits that end."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intone.core.errors import (
    CheckpointError,
    EngineStoppedError,
    InvalidSettingError,
    ModelNotFoundError,
)
from intone.core.types import Capabilities
from intone.server.busy import BusyError
from intone.server.pool import ModelPool
from intone.server.pool_state import PoolLimits

GB = 10**9
ALIASES = {"tts-1": "a"}


@dataclass
class Shelf:
    """A source of models that weigh what they are told to, and counts what happens to them."""

    sizes: dict[str, int] = field(default_factory=lambda: {"a": 2 * GB, "b": 2 * GB, "c": 1 * GB})
    load_s: float = 0.0
    gate: threading.Event | None = None
    fails: list[Exception] = field(default_factory=list)
    loads: Counter[str] = field(default_factory=Counter)
    closes: Counter[str] = field(default_factory=Counter)
    resident: Counter[str] = field(default_factory=Counter)
    most_bytes: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def default(self) -> str:
        return "a"

    def names(self) -> tuple[str, ...]:
        return tuple(self.sizes)

    def describe(self, name: str) -> Capabilities:
        name = ALIASES.get(name, name)
        if name not in self.sizes:
            raise ModelNotFoundError(f"no model {name!r}; pull it first.")
        return Capabilities(
            model=name,
            kind="custom",
            size="tiny",
            voices=("ryan",),
            languages=("english",),
            hidden_size=8,
            num_codebooks=4,
            can_clone=False,
            follows_instruct=True,
        )

    def memory_bytes(self, name: str) -> int:
        return self.sizes[ALIASES.get(name, name)]

    def open(self, name: str) -> Book:
        return Book(self, name)


class Book:
    """A model that can be loaded and closed, and no more."""

    def __init__(self, shelf: Shelf, name: str) -> None:
        self.shelf, self.name, self.is_loaded = shelf, name, False

    def load(self) -> None:
        with self.shelf.lock:
            self.shelf.loads[self.name] += 1
            self.shelf.resident[self.name] += 1
            self.is_loaded = True
            held = sum(self.shelf.sizes[n] * k for n, k in self.shelf.resident.items())
            self.shelf.most_bytes = max(self.shelf.most_bytes, held)
        time.sleep(self.shelf.load_s)
        if self.shelf.gate is not None:
            assert self.shelf.gate.wait(5.0)
        if self.shelf.fails:
            raise self.shelf.fails.pop()

    def close(self) -> None:
        with self.shelf.lock:
            self.shelf.closes[self.name] += 1
            self.shelf.resident[self.name] -= self.is_loaded
            self.is_loaded = False


def pool_of(
    shelf: Shelf,
    *,
    budget_bytes: int | None = 3 * GB,
    max_wait_s: float = 5.0,
    patience_s: float = 0.01,
    max_models: int | None = None,
) -> ModelPool:
    limits = PoolLimits(
        memory_budget_bytes=budget_bytes,
        max_models=max_models,
        max_wait_s=max_wait_s,
        patience_s=patience_s,
    )
    return ModelPool(shelf, limits, time.monotonic)


def run(coroutine: Coroutine[object, object, None]) -> None:
    asyncio.run(asyncio.wait_for(coroutine, 8.0))


async def use(pool: ModelPool, name: str | None, hold_s: float = 0.0) -> str:
    async with pool.lease(name) as model:
        await asyncio.sleep(hold_s)
        assert model.is_loaded, "it was closed under a lease"
        return model.name


def names(pool: ModelPool) -> dict[str, str]:
    return {state.name: state.status for state in pool.states()}


def test_a_model_is_loaded_on_first_use_and_once_for_many_requests() -> None:
    async def scene() -> None:
        shelf = Shelf(load_s=0.02)
        pool = pool_of(shelf)
        assert pool.states() == ()
        assert set(await asyncio.gather(*(use(pool, "a") for _ in range(30)))) == {"a"}
        assert shelf.loads == {"a": 1}
        assert names(pool) == {"a": "ready"}

    run(scene())


def test_two_names_of_one_model_are_one_model() -> None:
    async def scene() -> None:
        shelf = Shelf(load_s=0.02)
        pool = pool_of(shelf)
        await asyncio.gather(use(pool, "tts-1"), use(pool, "a"), use(pool, None))
        assert shelf.loads == {"a": 1}

    run(scene())


def test_the_least_recently_used_idle_model_gives_way() -> None:
    async def scene() -> None:
        shelf = Shelf({"a": GB, "b": GB, "c": GB})
        pool = pool_of(shelf, budget_bytes=2 * GB)
        for name in ("a", "b", "a", "c"):
            await use(pool, name)
        assert sorted(names(pool)) == ["a", "c"]
        assert shelf.closes == {"b": 1}
        assert shelf.most_bytes == 2 * GB

    run(scene())


@pytest.mark.parametrize("budget_bytes", [None, 9 * GB])
def test_where_one_model_may_be_in_memory_the_old_one_is_gone_before_the_new_one_comes(
    budget_bytes: int | None,
) -> None:
    async def scene() -> None:
        shelf = Shelf({"a": 2 * GB, "b": 1 * GB, "c": 2 * GB})
        pool = pool_of(shelf, budget_bytes=budget_bytes, max_models=1)
        for name in ("a", "b", "c", "a"):
            await use(pool, name)
            assert names(pool) == {name: "ready"}
        assert shelf.most_bytes == 2 * GB
        assert shelf.loads == {"a": 2, "b": 1, "c": 1}

    run(scene())


def test_freeing_closes_what_nobody_holds_and_leaves_the_rest() -> None:
    async def scene() -> None:
        shelf = Shelf({"a": GB, "b": GB, "c": GB})
        pool = pool_of(shelf)
        await use(pool, "a")
        await use(pool, "b")
        async with pool.lease("c") as model:
            assert await pool.free_idle() == ("a", "b")
            assert names(pool) == {"c": "ready"}
            assert model.is_loaded
        assert shelf.closes == {"a": 1, "b": 1}
        assert await pool.free_idle() == ("c",)
        assert await pool.free_idle() == ()
        assert await use(pool, "a") == "a"

    run(scene())


def test_a_model_in_use_is_never_evicted_the_other_request_waits() -> None:
    async def scene() -> None:
        shelf = Shelf()
        pool = pool_of(shelf)
        async with pool.lease("a") as model:
            waiting = asyncio.create_task(use(pool, "b"))
            await asyncio.sleep(0.03)
            assert not waiting.done()
            assert model.is_loaded
        assert await waiting == "b"
        assert shelf.most_bytes <= 3 * GB

    run(scene())


def test_waiting_is_bounded_and_says_when_to_come_back() -> None:
    async def scene() -> None:
        pool = pool_of(Shelf(), max_wait_s=0.05)
        async with pool.lease("a"):
            with pytest.raises(BusyError, match=r"not ready within 0\.05 s") as caught:
                await use(pool, "b")
            assert (caught.value.status, caught.value.retry_after_s > 0) == (503, True)
            assert await use(pool, "a") == "a", "a request that left stands in nobody's way"

    run(scene())


def test_a_load_goes_on_when_its_request_has_left() -> None:
    async def scene() -> None:
        shelf = Shelf(gate=threading.Event())
        pool = pool_of(shelf, max_wait_s=0.02)
        with pytest.raises(BusyError):
            await use(pool, "a")
        assert names(pool) == {"a": "loading"}
        assert shelf.gate is not None
        shelf.gate.set()
        assert await use(pool_of(Shelf()), "a") == "a"
        await asyncio.sleep(0.02)
        assert await use(pool, "a") == "a"
        assert shelf.loads == {"a": 1}

    run(scene())


def test_a_busy_model_cannot_starve_requests_for_another() -> None:
    async def scene() -> None:
        pool, stop = pool_of(Shelf()), asyncio.Event()

        async def traffic() -> None:
            while not stop.is_set():
                await use(pool, "a", 0.01)

        streams = []
        for _ in range(3):
            streams.append(asyncio.create_task(traffic()))
            await asyncio.sleep(0.004)  # never idle by itself
        assert await asyncio.wait_for(use(pool, "b"), 2.0) == "b"
        stop.set()
        await asyncio.gather(*streams)

    run(scene())


def test_requests_for_two_models_by_turns_do_not_load_them_by_turns() -> None:
    async def scene() -> None:
        shelf = Shelf(load_s=0.03)  # longer than anybody's patience
        pool = pool_of(shelf)
        asked = [name for _ in range(6) for name in "ab"]
        assert await asyncio.gather(*(use(pool, name, 0.002) for name in asked)) == asked
        assert shelf.loads == {"a": 1, "b": 1}

    run(scene())


def test_a_model_that_could_never_fit_is_refused_with_the_numbers() -> None:
    async def scene() -> None:
        shelf = Shelf({"a": 5 * GB})
        with pytest.raises(InvalidSettingError, match=r"needs 5\.00 GB.*budget is 3\.00 GB"):
            await use(pool_of(shelf), "a")
        assert not shelf.loads

    run(scene())


def test_a_failed_load_is_told_to_all_who_waited_and_the_next_request_tries_again() -> None:
    async def scene() -> None:
        shelf = Shelf(load_s=0.02, fails=[CheckpointError("truncated")])
        pool = pool_of(shelf)
        results = await asyncio.gather(*(use(pool, "a") for _ in range(3)), return_exceptions=True)
        assert [type(result) for result in results] == [CheckpointError] * 3
        assert pool.states() == ()
        assert shelf.closes == {"a": 1}
        assert await use(pool, "a") == "a"

    run(scene())


def test_an_unknown_model_is_no_load() -> None:
    async def scene() -> None:
        shelf = Shelf()
        with pytest.raises(ModelNotFoundError):
            await use(pool_of(shelf), "z")
        assert not shelf.loads

    run(scene())


def test_a_model_whose_engine_died_is_closed_and_opened_anew_once() -> None:
    async def scene() -> None:
        shelf = Shelf()
        pool = pool_of(shelf)

        async def dies() -> None:
            async with pool.lease("a"):
                await asyncio.sleep(0.01)
                raise EngineStoppedError("the engine's thread died.")

        results = await asyncio.gather(dies(), dies(), return_exceptions=True)
        assert [type(result) for result in results] == [EngineStoppedError] * 2
        assert names(pool) == {"a": "restarting"}
        assert await use(pool, "a") == "a"
        assert (shelf.loads, shelf.closes) == ({"a": 2}, {"a": 1})
        assert pool.counts.restarts == 1
        assert [state.num_leases for state in pool.states()] == [0]

    run(scene())


def test_a_restart_that_fails_is_seen_and_the_next_request_tries_again() -> None:
    async def scene() -> None:
        shelf = Shelf()
        pool = pool_of(shelf)

        async def dies() -> None:
            async with pool.lease("a"):
                shelf.fails.append(CheckpointError("gone"))
                raise EngineStoppedError("died")

        with pytest.raises(EngineStoppedError):
            await dies()
        await asyncio.sleep(0.03)
        assert names(pool) == {"a": "failed"}
        assert await use(pool, "a") == "a"
        assert names(pool) == {"a": "ready"}

    run(scene())


def test_a_request_that_fails_for_its_own_reasons_leaves_the_model_alone() -> None:
    async def scene() -> None:
        shelf = Shelf()
        pool = pool_of(shelf)

        async def fails() -> None:
            async with pool.lease("a"):
                raise InvalidSettingError("no")

        with pytest.raises(InvalidSettingError):
            await fails()
        assert await use(pool, "a") == "a"
        assert shelf.loads == {"a": 1}

    run(scene())


def test_a_closed_pool_has_closed_its_models_and_hands_none_out() -> None:
    async def scene() -> None:
        shelf = Shelf({"a": GB, "b": GB})
        pool = pool_of(shelf)
        await use(pool, "a")
        await use(pool, "b")
        await pool.close()
        assert sum(shelf.resident.values()) == 0
        with pytest.raises(EngineStoppedError, match="stopping"):
            await use(pool, "a")

    run(scene())


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3)), min_size=1, max_size=25))
def test_whatever_comes_the_budget_holds_and_no_model_is_there_twice(
    requests: list[tuple[str, int]],
) -> None:
    async def scene() -> None:
        shelf = Shelf({"a": 2 * GB, "b": 1 * GB, "c": 3 * GB}, load_s=0.0005)
        pool = pool_of(shelf, patience_s=0.002)
        done = await asyncio.gather(*(use(pool, name, hold / 2000) for name, hold in requests))
        assert done == [name for name, _ in requests]
        assert shelf.most_bytes <= 3 * GB
        assert max(shelf.resident.values()) <= 1
        assert all(state.num_leases == 0 for state in pool.states())
        await pool.close()

    run(scene())
