"""Replicas behind a router, from the first arrival to the last sample: events in order of time."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from benchmarks.scaling.autoscaling import LOOK_EVERY_S, Autoscaling, Scaler
from benchmarks.scaling.outcome import Outcome, Take, outcome_of
from benchmarks.scaling.replica import Line, Replica
from benchmarks.scaling.routing import router_of
from benchmarks.scaling.service import ServiceTimes
from benchmarks.scaling.takes import Arrival

Kind = Literal["turn", "ready", "fail", "update", "scale", "probe"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """What is simulated."""

    times: ServiceTimes
    num_replicas: int
    line: Line = Line()
    buffer_s: float = 0.0
    """What a player keeps before it begins."""
    router: str = "two-choices"
    probe_s: float = 0.0
    """How old the router's counts may be; its own requests it adds at once. 0: never old."""
    fails_at_s: Sequence[float] = ()
    """A replica dies at each of these; another begins to load at once."""
    update_at_s: float | None = None
    """All replicas are replaced from then on."""
    update_surge: int = 1
    """So many load at a time; as many old ones drain afterwards. 0: one drains before one loads."""
    scaling: Autoscaling | None = None


@dataclass(slots=True, kw_only=True)
class Played:
    """What came of it."""

    takes: list[Take]
    end_s: float
    """The last arrival."""
    replica_s: float
    """Of all replicas together until then, loading not included."""
    busy_s: float
    slot_s: float
    num_slots: int
    sizes: list[tuple[float, int]] = field(default_factory=list)
    """(time, replicas that take work), at each change."""

    def outcome(self, from_s: float = 0.0, until_s: float | None = None) -> Outcome:
        """Returns figures of the takes that arrived between two times."""
        return outcome_of(
            self.takes,
            from_s=from_s,
            until_s=self.end_s if until_s is None else until_s,
            utilisation=min(1.0, self.busy_s / max(1e-9, self.replica_s)),
            slots_busy=self.slot_s / max(1e-9, self.busy_s * self.num_slots),
        )


def play(fleet: Fleet, arrivals: Sequence[Arrival], seed: int = 0) -> Played:
    """Returns what becomes of arrivals; the same for the same seed."""
    return _Play(fleet, seed).run(arrivals)


class _Play:
    def __init__(self, fleet: Fleet, seed: int) -> None:
        self._fleet = fleet
        self._router = router_of(fleet.router, np.random.default_rng(seed))
        self._events: list[tuple[float, int, Kind, int]] = []
        self._num_events = 0
        self._replicas: list[Replica] = []
        self._opened_s: list[float] = []
        self._closed_s: dict[int, float] = {}
        self._counts = np.zeros(2 * fleet.num_replicas, dtype=np.int64)
        """[R], requests that run or wait on each."""
        self._known = self._counts if fleet.probe_s == 0 else self._counts.copy()
        """What the router believes."""
        self._open: list[int] = []
        self._old: list[int] = []
        """To be replaced by the update that is under way."""
        self._num_loading = 0
        self._scaler = None if fleet.scaling is None else Scaler(fleet.scaling)
        self._sizes: list[tuple[float, int]] = []

    def run(self, arrivals: Sequence[Arrival]) -> Played:
        self._begin()
        takes = [Take(arrival.at_s, arrival.num_frames) for arrival in arrivals]
        for take in takes:
            self._run_until(take.arrived_s)
            self._arrive(take)
        end_s = takes[-1].arrived_s if takes else 0.0
        played = self._account(takes, end_s)
        self._finish()
        return played

    def _begin(self) -> None:
        fleet = self._fleet
        for _ in range(fleet.num_replicas):
            self._open_one(0.0)
        for at_s in fleet.fails_at_s:
            self._at(at_s, "fail", 0)
        if fleet.update_at_s is not None:
            self._at(fleet.update_at_s, "update", 0)
        if fleet.scaling is not None:
            self._at(0.0, "scale", 0)
        if fleet.probe_s:
            self._at(fleet.probe_s, "probe", 0)

    def _arrive(self, take: Take) -> None:
        if not self._open:
            take.fate = "refused"
            return
        index = self._router.choose(self._known, self._open)
        replica = self._replicas[index]
        if not replica.offer(take):
            return
        self._counts[index] += 1
        if self._known is not self._counts:
            self._known[index] += 1
        if not replica.is_working:
            self._work(index, take.arrived_s)

    def _run_until(self, until_s: float) -> None:
        while self._events and self._events[0][0] <= until_s:
            at_s, _, kind, index = heapq.heappop(self._events)
            self._happen(at_s, kind, index)

    def _finish(self) -> None:
        """Everybody is heard to the end; nothing else happens any more."""
        while self._events:
            at_s, _, kind, index = heapq.heappop(self._events)
            if kind == "turn":
                self._work(index, at_s)

    def _happen(self, at_s: float, kind: Kind, index: int) -> None:
        if kind == "turn":
            self._work(index, at_s)
        elif kind == "ready":
            self._num_loading -= 1
            self._open_one(at_s)
            self._replace(at_s)
        elif kind == "fail":
            self._fail(at_s)
        elif kind == "update":
            self._old = list(self._open)
            self._replace(at_s, is_first=True)
        elif kind == "scale":
            self._scale(at_s)
        else:
            self._known[:] = self._counts
            self._at(at_s + self._fleet.probe_s, "probe", 0)

    def _work(self, index: int, at_s: float) -> None:
        replica = self._replicas[index]
        if not replica.is_alive:
            return
        self._counts[index] = replica.num_outstanding
        ends_s = replica.turn(at_s)
        if replica.is_working:
            self._at(ends_s, "turn", index)

    def _load_one(self, at_s: float) -> None:
        self._num_loading += 1
        self._at(at_s + self._fleet.times.load_s, "ready", 0)

    def _open_one(self, at_s: float) -> None:
        fleet, index = self._fleet, len(self._replicas)
        if index == len(self._counts):
            self._grow()
        self._open.append(index)
        self._replicas.append(Replica(fleet.times, fleet.line, fleet.buffer_s))
        self._opened_s.append(at_s)
        self._sizes.append((at_s, len(self._open)))

    def _grow(self) -> None:
        more = np.zeros_like(self._counts)
        is_live = self._known is self._counts
        self._counts = np.append(self._counts, more)
        self._known = self._counts if is_live else np.append(self._known, more)

    def _drain(self, index: int, at_s: float) -> None:
        self._open.remove(index)
        self._closed_s[index] = at_s
        self._sizes.append((at_s, len(self._open)))

    def _fail(self, at_s: float) -> None:
        if self._open:
            index = self._open[0]
            self._drain(index, at_s)
            self._old = [old for old in self._old if old != index]
            self._replicas[index].die()
            self._counts[index] = 0
            self._load_one(at_s)

    def _replace(self, at_s: float, *, is_first: bool = False) -> None:
        """One step of an update: `update_surge` old ones go as soon as as many new ones came."""
        surge = self._fleet.update_surge
        if is_first:
            for _ in range(min(surge, len(self._old))):
                self._load_one(at_s)
        if not self._old or (surge and is_first):
            return
        self._drain(self._old.pop(0), at_s)
        if surge == 0 or len(self._old) >= surge:
            self._load_one(at_s)

    def _scale(self, at_s: float) -> None:
        assert self._scaler is not None
        num = len(self._open) + self._num_loading
        wanted = self._scaler.wanted(at_s, int(self._counts.sum()), num)
        for _ in range(wanted - num):
            self._load_one(at_s)
        for index in self._open[wanted:] if wanted < num and not self._num_loading else ():
            self._drain(index, at_s)
        self._at(at_s + LOOK_EVERY_S, "scale", 0)

    def _account(self, takes: list[Take], end_s: float) -> Played:
        spans = (
            self._closed_s.get(index, end_s) - opened_s
            for index, opened_s in enumerate(self._opened_s)
        )
        return Played(
            takes=takes,
            end_s=end_s,
            replica_s=sum(spans),
            busy_s=sum(replica.busy_s for replica in self._replicas),
            slot_s=sum(replica.slot_s for replica in self._replicas),
            num_slots=self._fleet.times.slots,
            sizes=self._sizes,
        )

    def _at(self, at_s: float, kind: Kind, index: int) -> None:
        self._num_events += 1
        heapq.heappush(self._events, (at_s, self._num_events, kind, index))
