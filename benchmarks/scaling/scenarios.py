"""What happens when something changes: who routes, a death, an update, more listeners."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

from benchmarks.scaling.autoscaling import Autoscaling
from benchmarks.scaling.fleet import Fleet, play
from benchmarks.scaling.routing import ROUTERS
from benchmarks.scaling.takes import poisson_takes, rate_of, stepped_takes

_S = 60.0
_EVENT_S = 30.0
_GROWN_S = 90.0
_WATCHED_S = 15.0
"""After an event: the time in which it shows."""
_HEADROOM = 0.75
"""Of the slots, as deploy/ray aims at."""
_LOADS_S = (5.0, 30.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One simulation: what was done, and what came of the takes that it could touch."""

    scenario: str
    case: str
    num_listeners: float
    num_replicas: int
    figures: dict[str, Any]


def cases(fleet: Fleet, num_listeners: float) -> Iterator[Case]:
    """Yields every scenario for a fleet that is as large as its listeners need."""
    yield from routing(fleet, num_listeners)
    yield from death(fleet, num_listeners)
    yield from update(fleet, num_listeners)
    yield from growth(fleet, num_listeners)


def routing(fleet: Fleet, num_listeners: float) -> Iterator[Case]:
    """A steady load through each router; two choices also with counts ten seconds old."""
    fleets = {name: replace(fleet, router=name) for name in ROUTERS}
    fleets["two-choices, counts 1 s old"] = replace(fleet, probe_s=1.0)
    fleets["two-choices, counts 10 s old"] = replace(fleet, probe_s=10.0)
    for name, one in fleets.items():
        yield _case("routing", name, one, num_listeners, (_S / 4, _S))


def death(fleet: Fleet, num_listeners: float) -> Iterator[Case]:
    """One replica dies; the takes of the next seconds, and those that it had."""
    before = (_EVENT_S - _WATCHED_S, _EVENT_S)
    during = (_EVENT_S - 4.0, _EVENT_S + _WATCHED_S)
    yield _case("death", "before", fleet, num_listeners, before)
    dying = replace(fleet, fails_at_s=(_EVENT_S,))
    yield _case("death", "one replica dies", dying, num_listeners, during)


def update(fleet: Fleet, num_listeners: float) -> Iterator[Case]:
    """All replicas are replaced, with replicas added first or not."""
    times = replace(fleet.times, load_s=min(10.0, fleet.times.load_s))
    quarter = max(1, round(0.25 * fleet.num_replicas))
    for surge in dict.fromkeys((0, 1, quarter)):
        one = replace(fleet, times=times, update_at_s=_S / 4, update_surge=surge)
        yield _case("update", f"{surge} added first", one, num_listeners, (_S / 4, _S))


def growth(fleet: Fleet, num_listeners: float) -> Iterator[Case]:
    """Three times as many listeners from one moment on; replicas take a while to load."""
    rates = [(rate_of(num_listeners), _EVENT_S), (rate_of(3 * num_listeners), _GROWN_S)]
    takes = stepped_takes(rates, seed=1)
    num = fleet.num_replicas
    rule = Autoscaling(
        min_replicas=num,
        max_replicas=4 * num,
        target_requests=_target(fleet, num_listeners),
    )
    for load_s in _LOADS_S:
        times = replace(fleet.times, load_s=load_s)
        played = play(replace(fleet, times=times, scaling=rule), takes, seed=1)
        outcome = played.outcome(_EVENT_S, _EVENT_S + _GROWN_S)
        enough_s = next((at for at, size in played.sizes if size >= 2.5 * num), None)
        figures = asdict(outcome) | {
            "refusal_rate": round(outcome.refusal_rate, 5),
            "target_requests": round(rule.target_requests, 1),
            "most_replicas": max(size for _, size in played.sizes),
            "at_2_5_times_after_s": None if enough_s is None else round(enough_s - _EVENT_S, 1),
        }
        yield Case(
            scenario="growth",
            case=f"a replica loads in {load_s:g} s",
            num_listeners=num_listeners,
            num_replicas=num,
            figures=figures,
        )


def _target(fleet: Fleet, num_listeners: float) -> float:
    """Requests at once for each replica at the load that the fleet was made for, at most 3/4."""
    played = play(fleet, poisson_takes(rate_of(num_listeners), _S, 1))
    busy = played.slot_s / max(1e-9, played.replica_s)
    return min(_HEADROOM * fleet.times.slots, max(1.0, 1.2 * busy))


def _case(
    scenario: str, name: str, fleet: Fleet, num_listeners: float, span_s: tuple[float, float]
) -> Case:
    played = play(fleet, poisson_takes(rate_of(num_listeners), _S, 1), seed=1)
    outcome = played.outcome(*span_s)
    least = min(size for at, size in played.sizes[fleet.num_replicas - 1 :])
    figures = asdict(outcome) | {"refusal_rate": round(outcome.refusal_rate, 5)}
    return Case(
        scenario=scenario,
        case=name,
        num_listeners=num_listeners,
        num_replicas=fleet.num_replicas,
        figures=figures | {"fewest_replicas": least},
    )
