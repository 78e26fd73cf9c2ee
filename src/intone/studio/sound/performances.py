"""The performances of one studio: begun by a page's sound, followed by its figures.

Both name it by an id that the page makes up; whichever comes first waits for the other. Each caller
has its own, a few at a time; the oldest that are over are forgotten first.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping
from time import monotonic

from intone.core.errors import CapacityError, EngineStoppedError, InvalidSettingError
from intone.studio.desk import Desk
from intone.studio.sound.performance import Clock, Performance
from intone.studio.sound.plan import MakePlan
from intone.studio.sound.state import SoundState

MAX_AT_ONCE = 4
"""Of one caller: two windows, and one more press in each."""

_MAX_REMEMBERED = 12
"""Of one caller."""
_MAX_WAIT_S = 10.0
_ID = re.compile(r"[A-Za-z0-9-]{8,64}")


class Performances:
    """Starts, finds and stops performances. Only on the event loop."""

    def __init__(self, desk: Desk, make_plan: MakePlan, clock: Clock = monotonic) -> None:
        self._desk = desk
        self._make_plan = make_plan
        self._clock = clock
        self._known: dict[str, OrderedDict[str, Performance]] = {}
        self._arrived = asyncio.Event()

    def start(self, key_id: str, live_id: str, fields: Mapping[str, object]) -> Performance:
        """Returns a performance that has begun; what is wrong with the fields, its state says.

        Raises:
            InvalidSettingError: an id that is none, or was used.
            CapacityError: this caller has enough of them running.
        """
        known = self._known.setdefault(key_id, OrderedDict())
        if not _ID.fullmatch(live_id) or live_id in known:
            raise InvalidSettingError(f"the id {live_id!r:.80} cannot be used; reload the page.")
        performance = Performance(self._desk, key_id, self._clock)
        known[live_id] = performance
        self._forget_old(known)
        if sum(not one.state.is_over for one in known.values()) > MAX_AT_ONCE:
            performance.refuse(_too_many())
        else:
            performance.begin(fields, self._make_plan)
        arrived, self._arrived = self._arrived, asyncio.Event()
        arrived.set()
        return performance

    def find(self, key_id: str, live_id: str) -> Performance | None:
        """Returns a performance of a caller; None where it is not known, or forgotten."""
        known = self._known.get(key_id)
        return None if known is None else known.get(live_id)

    async def follow(self, key_id: str, live_id: str) -> AsyncIterator[SoundState]:
        """Yields the states of a performance until it is over; waits for one that is to come.

        Raises:
            EngineStoppedError: its sound was never asked for.
        """
        performance = await self._awaited(key_id, live_id)
        async for state in performance.states():
            yield state

    async def stop(self, key_id: str, live_id: str) -> None:
        """Ends a performance within a frame; one that is over or unknown stays as it is."""
        performance = self.find(key_id, live_id)
        if performance is not None:
            await performance.stop()

    async def _awaited(self, key_id: str, live_id: str) -> Performance:
        try:
            async with asyncio.timeout(_MAX_WAIT_S):
                while (found := self.find(key_id, live_id)) is None:
                    await self._arrived.wait()
                return found
        except TimeoutError:
            raise EngineStoppedError(
                "the page could not fetch its sound; check the connection, or reload the page."
            ) from None

    @staticmethod
    def _forget_old(known: OrderedDict[str, Performance]) -> None:
        over = [live_id for live_id, one in known.items() if one.state.is_over]
        for live_id in over[: max(0, len(known) - _MAX_REMEMBERED)]:
            del known[live_id]


def _too_many() -> CapacityError:
    return CapacityError(
        f"{MAX_AT_ONCE} texts are being spoken for you already; stop one of them, or wait for its "
        "end."
    )
