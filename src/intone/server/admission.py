"""Who may begin now: a bounded number at once, a bounded queue behind it, and keys in turn.

All of it runs on the event loop's thread. A request that is admitted holds its place until its
context is left, however that happens.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from intone.core.errors import InvalidSettingError
from intone.server.busy import BusyError
from intone.server.token_bucket import TokenBucket
from intone.server.turns import Turns, Waiter

_RETRY_S = 2.0
"""When a full queue may have moved on; a guess, takes being seconds long."""
_MANY_BUCKETS = 1_024


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyLimits:
    """What one key may ask for; None is no limit of its own."""

    requests_per_minute: float | None = None
    max_concurrent: int | None = None
    """Running and waiting together."""

    def __post_init__(self) -> None:
        for name, value in (
            ("requests_per_minute", self.requests_per_minute),
            ("max_concurrent", self.max_concurrent),
        ):
            if value is not None and value <= 0:
                raise InvalidSettingError(f"{name} is {value}; allowed: more than 0, or none.")


NO_LIMITS = KeyLimits()


@dataclass(frozen=True, slots=True)
class AdmissionState:
    """How full it is."""

    num_running: int
    num_waiting: int


class Admission:
    """Lets `max_running` requests in at once; the others wait for their key's turn."""

    def __init__(
        self,
        *,
        max_running: int,
        max_waiting: int,
        max_wait_s: float,
        clock: Callable[[], float],
        limits_of: Callable[[str], KeyLimits] = lambda _: NO_LIMITS,
    ) -> None:
        """Starts empty.

        Args:
            max_running: requests that are in at once.
            max_waiting: requests in the queue; one more is sent away.
            max_wait_s: how long a request waits before it is sent away.
            clock: seconds that never go back, for rates.
            limits_of: the limits of a key, by its id.
        """
        self._max_running = max_running
        self._max_waiting = max_waiting
        self._max_wait_s = max_wait_s
        self._clock = clock
        self._limits_of = limits_of
        self._num_running = 0
        self._held: Counter[str] = Counter()
        """Requests of each key, running and waiting."""
        self._turns = Turns()
        self._background = Turns()
        self._buckets: dict[str, TokenBucket] = {}

    @asynccontextmanager
    async def admit(
        self, key_id: str, *, is_background: bool = False, is_resumed: bool = False
    ) -> AsyncIterator[None]:
        """Waits for a place and holds it while the context lasts.

        Args:
            key_id: whose request it is.
            is_background: work that nobody listens to: it comes after everybody else, waits as
                long as it takes, and no limit of its key counts it.
            is_resumed: a request that was in before and gave its place away; it counts against no
                rate again.

        Raises:
            BusyError: 429, a limit of this key; 503, the queue is full or did not move in time.
        """
        if is_background:
            await self._enter(key_id, self._background, None)
        else:
            if not is_resumed:
                self._check_limits(key_id)
            self._held[key_id] += 1
            try:
                await self._enter(key_id, self._turns, self._max_wait_s)
            except BaseException:
                self._release_key(key_id)
                raise
        try:
            yield
        finally:
            if not is_background:
                self._release_key(key_id)
            self._num_running -= 1
            self._let_in()

    @property
    def max_running(self) -> int:
        return self._max_running

    def state(self) -> AdmissionState:
        """Returns how many are in and how many wait."""
        return AdmissionState(self._num_running, len(self._turns) + len(self._background))

    def _check_limits(self, key_id: str) -> None:
        limits = self._limits_of(key_id)
        held = self._held[key_id]
        if limits.max_concurrent is not None and held >= limits.max_concurrent:
            raise BusyError(
                f"this key has {held} requests at once; allowed: {limits.max_concurrent}. "
                "Wait for one of them to end.",
                status=429,
                retry_after_s=_RETRY_S,
            )
        if limits.requests_per_minute is None:
            return
        wait_s = self._bucket(key_id, limits.requests_per_minute).take(self._clock())
        if wait_s > 0.0:
            raise BusyError(
                f"this key has used its {limits.requests_per_minute:g} requests a minute; "
                f"try again in {wait_s:.1f} s.",
                status=429,
                retry_after_s=wait_s,
            )

    def _bucket(self, key_id: str, per_minute: float) -> TokenBucket:
        now_s = self._clock()
        if len(self._buckets) >= _MANY_BUCKETS:
            self._buckets = {k: b for k, b in self._buckets.items() if not b.is_full(now_s)}
        if key_id not in self._buckets:
            self._buckets[key_id] = TokenBucket(per_minute, now_s)
        return self._buckets[key_id]

    async def _enter(self, key_id: str, turns: Turns, max_wait_s: float | None) -> None:
        """Returns when the request is counted as running."""
        waiter: Waiter = asyncio.get_running_loop().create_future()
        has_place = self._num_running < self._max_running and not len(self._turns)
        if turns is self._turns and not has_place:
            self._make_place(key_id)
        turns.push(key_id, waiter)
        self._let_in()
        try:
            async with asyncio.timeout(max_wait_s):
                await waiter
        except BaseException as error:
            turns.remove(key_id, waiter)
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self._num_running -= 1  # it was let in while it gave up
                self._let_in()
            if isinstance(error, TimeoutError):
                raise self._waited_too_long() from None
            raise

    def _make_place(self, key_id: str) -> None:
        """Raises BusyError where the queue is full of requests that have as good a right."""
        if len(self._turns) < self._max_waiting:
            return
        if not self._turns.push_out(key_id, self._full):
            raise self._full()

    def _let_in(self) -> None:
        while self._num_running < self._max_running:
            found = self._turns.pop() or self._background.pop()
            if found is None:
                return
            self._num_running += 1
            found[1].set_result(None)

    def _release_key(self, key_id: str) -> None:
        self._held[key_id] -= 1
        if self._held[key_id] <= 0:
            del self._held[key_id]

    def _full(self) -> BusyError:
        return BusyError(
            f"{self._max_running} requests are being spoken and {self._max_waiting} wait; that is "
            "all that this server takes. Try again shortly.",
            status=503,
            retry_after_s=_RETRY_S,
        )

    def _waited_too_long(self) -> BusyError:
        return BusyError(
            f"no place was free for {self._max_wait_s:g} s; {self._max_running} requests are "
            "being spoken. Try again shortly.",
            status=503,
            retry_after_s=_RETRY_S,
        )
