"""Admission: so many at once, a bounded queue, keys in turn, limits of each key."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import AsyncExitStack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intone.core.errors import InvalidSettingError
from intone.server.admission import Admission, AdmissionState, KeyLimits
from intone.server.busy import BusyError
from intone.server.token_bucket import TokenBucket


class Clock:
    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


def admission(
    *,
    max_running: int = 1,
    max_waiting: int = 10,
    max_wait_s: float = 5.0,
    limits: KeyLimits | None = None,
    clock: Clock | None = None,
) -> Admission:
    return Admission(
        max_running=max_running,
        max_waiting=max_waiting,
        max_wait_s=max_wait_s,
        clock=clock or Clock(),
        limits_of=lambda _: limits or KeyLimits(),
    )


def run(coroutine: Coroutine[object, object, None]) -> None:
    asyncio.run(asyncio.wait_for(coroutine, 5.0))


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_no_more_run_at_once_than_allowed_and_every_one_gets_its_turn() -> None:
    async def scene() -> None:
        door, running, most, done = admission(max_running=3, max_waiting=50), 0, 0, 0

        async def one(key: str) -> None:
            nonlocal running, most, done
            async with door.admit(key):
                running += 1
                most = max(most, running)
                await asyncio.sleep(0)
                running -= 1
                done += 1

        await asyncio.gather(*(one(f"key{n % 4}") for n in range(40)))
        assert (most, done) == (3, 40)
        assert door.state() == AdmissionState(0, 0)

    run(scene())


def test_keys_take_turns_however_many_requests_one_of_them_has_waiting() -> None:
    async def scene() -> None:
        door, order = admission(), list[str]()

        async def one(key: str) -> None:
            async with door.admit(key):
                order.append(key)

        async with door.admit("first"):
            tasks = [asyncio.create_task(one("greedy")) for _ in range(4)]
            await settle()
            tasks += [asyncio.create_task(one("modest")) for _ in range(2)]
            await settle()
        await asyncio.gather(*tasks)
        assert order == ["greedy", "modest", "greedy", "modest", "greedy", "greedy"]

    run(scene())


def test_a_full_queue_sends_away_with_a_time_to_come_back() -> None:
    async def scene() -> None:
        door = admission(max_waiting=1)
        async with door.admit("a"):
            waiting = asyncio.create_task(_hold(door, "b"))
            await settle()
            with pytest.raises(BusyError, match="all that this server takes") as caught:
                await _hold(door, "c")
            assert caught.value.status == 503
            assert caught.value.retry_after_s > 0
        await waiting
        assert door.state() == AdmissionState(0, 0)

    run(scene())


def test_a_full_queue_is_shared_the_newest_of_the_greediest_key_gives_way() -> None:
    async def scene() -> None:
        door = admission(max_waiting=3)
        async with door.admit("running"):
            greedy = [asyncio.create_task(_hold(door, "greedy")) for _ in range(3)]
            await settle()
            modest = asyncio.create_task(_hold(door, "modest"))
            await settle()
            assert [task.done() for task in greedy] == [False, False, True]
            assert isinstance(greedy[2].exception(), BusyError)
        await asyncio.gather(*greedy[:2], modest)

    run(scene())


def test_a_request_that_waits_too_long_is_sent_away_and_leaves_nothing_behind() -> None:
    async def scene() -> None:
        door = admission(max_wait_s=0.01)
        async with door.admit("a"):
            with pytest.raises(BusyError, match=r"no place was free for 0\.01 s") as caught:
                await _hold(door, "b")
            assert caught.value.status == 503
            assert door.state() == AdmissionState(1, 0)
        assert door.state() == AdmissionState(0, 0)

    run(scene())


def test_a_request_that_leaves_while_it_waits_takes_nobodys_place() -> None:
    async def scene() -> None:
        door = admission()
        async with door.admit("a"):
            left = asyncio.create_task(_hold(door, "b"))
            stays = asyncio.create_task(_hold(door, "c"))
            await settle()
            left.cancel()
            await settle()
        await stays
        assert left.cancelled()
        assert door.state() == AdmissionState(0, 0)

    run(scene())


def test_a_request_cancelled_in_the_moment_it_is_let_in_gives_its_place_on() -> None:
    async def scene() -> None:
        door = admission()
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(door.admit("a"))
            left = asyncio.create_task(_hold(door, "b"))
            stays = asyncio.create_task(_hold(door, "c"))
            await settle()
            await stack.aclose()  # b is let in ...
            left.cancel()  # ... and has not run since
        await stays
        assert door.state() == AdmissionState(0, 0)

    run(scene())


def test_background_work_comes_after_everybody_who_listens() -> None:
    async def scene() -> None:
        door, order = admission(max_waiting=5), list[str]()

        async def one(key: str, is_background: bool) -> None:
            async with door.admit(key, is_background=is_background):
                order.append(key)

        async with door.admit("first"):
            tasks = [asyncio.create_task(one("job", True)) for _ in range(2)]
            await settle()
            tasks += [asyncio.create_task(one(f"live{n}", False)) for n in range(2)]
            await settle()
        await asyncio.gather(*tasks)
        assert order == ["live0", "live1", "job", "job"]

    run(scene())


def test_a_key_with_a_limit_of_its_own_is_told_429() -> None:
    async def scene() -> None:
        door = admission(max_running=9, limits=KeyLimits(max_concurrent=2))
        async with door.admit("a"), door.admit("a"), door.admit("b"):
            with pytest.raises(BusyError, match="2 requests at once; allowed: 2") as caught:
                await _hold(door, "a")
            assert caught.value.status == 429
        await _hold(door, "a")

    run(scene())


def test_requests_a_minute_are_counted_by_key_and_come_back_with_time() -> None:
    async def scene() -> None:
        clock = Clock()
        door = admission(limits=KeyLimits(requests_per_minute=2), clock=clock)
        await _hold(door, "a")
        await _hold(door, "a")
        with pytest.raises(BusyError, match="2 requests a minute") as caught:
            await _hold(door, "a")
        assert caught.value.status == 429
        assert caught.value.retry_after_s == pytest.approx(30.0)
        await _hold(door, "b")
        clock.now_s += 30.0
        await _hold(door, "a")

    run(scene())


def test_limits_that_allow_nothing_are_refused() -> None:
    with pytest.raises(InvalidSettingError, match="max_concurrent is 0"):
        KeyLimits(max_concurrent=0)


@settings(max_examples=50, deadline=None)
@given(st.floats(0.5, 100.0), st.lists(st.floats(0.0, 40.0), max_size=60))
def test_a_bucket_never_gives_more_than_its_rate_and_its_store(
    per_minute: float, pauses_s: list[float]
) -> None:
    bucket, now_s, given_tokens = TokenBucket(per_minute, 0.0), 0.0, 0
    for pause_s in pauses_s:
        now_s += pause_s
        given_tokens += bucket.take(now_s) == 0.0
    assert given_tokens <= max(1.0, per_minute) + now_s * per_minute / 60.0 + 1e-6


async def _hold(door: Admission, key: str) -> None:
    async with door.admit(key):
        await asyncio.sleep(0)
