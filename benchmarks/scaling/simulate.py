"""The plan: `python -m benchmarks.scaling.simulate --times FILE... --json OUT`.

For every replica whose times are given, and for those that are assumed: the smallest fleet for 1 to
10,000 streams at once, with players that have a buffer and with players that have none; and for
the first of them, at one size, what routing, a death, an update and growth do.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.scaling.fleet import Fleet
from benchmarks.scaling.plan import Need, Promise, need_of
from benchmarks.scaling.published import ASSUMED
from benchmarks.scaling.replica import Line
from benchmarks.scaling.scenarios import cases
from benchmarks.scaling.service import ServiceTimes, of_bench_reports, read

LISTENERS = (1.0, 10.0, 100.0, 1_000.0, 10_000.0)
BUFFERS_S = (0.0, 0.2)
_LINE = Line(max_waiting=8)
"""deploy/ray's."""
_LARGE = 10
_TTFA_P95_S = 0.3
"""Beside the buffer, which listeners wait for too."""


def planned(times: ServiceTimes, listeners: Sequence[float]) -> Iterator[dict[str, Any]]:
    """Yields a row for each player and number of listeners."""
    for buffer_s in BUFFERS_S:
        fleet = Fleet(times=times, num_replicas=1, line=_LINE, buffer_s=buffer_s)
        promise = Promise(ttfa_p95_s=_TTFA_P95_S + buffer_s)
        before: Need | None = None
        for num in listeners:
            before = need_of(fleet, num, promise, near=_near(before, num))
            yield _row(buffer_s, before)


def _near(before: Need | None, num_listeners: float) -> int | None:
    """Of large fleets, ten times the listeners need hardly less than ten times the replicas."""
    if before is None or before.num_replicas is None or before.num_replicas < _LARGE:
        return None
    return round(before.num_replicas * num_listeners / before.num_listeners)


def _row(buffer_s: float, need: Need) -> dict[str, Any]:
    rates = {"refusal_rate": round(need.outcome.refusal_rate, 5)}
    return {"buffer_s": buffer_s, **asdict(need), "outcome": asdict(need.outcome) | rates}


def _changed(times: ServiceTimes, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns the scenarios for the first fleet of ten or more whose players have a buffer."""
    buffer_s = BUFFERS_S[-1]
    for row in rows:
        num = row["num_replicas"]
        if row["buffer_s"] == buffer_s and num is not None and num >= _LARGE:
            fleet = Fleet(times=times, num_replicas=num, line=_LINE, buffer_s=buffer_s)
            return [asdict(case) for case in cases(fleet, row["num_listeners"])]
    return []


def main() -> None:
    """Simulates, prints and writes."""
    parser = argparse.ArgumentParser(description="Plan fleets from the times of one replica.")
    parser.add_argument(
        "--times", type=Path, nargs="*", default=[], help="files that service reads"
    )
    parser.add_argument(
        "--bench", type=Path, nargs="*", default=[], help="`intone bench` of one model, by streams"
    )
    parser.add_argument("--name", default="intone bench", help="what --bench measured")
    parser.add_argument("--slots", type=int, help="takes at once of a replica in --times")
    parser.add_argument("--listeners", type=float, nargs="+", default=list(LISTENERS))
    parser.add_argument("--without-assumed", action="store_true")
    parser.add_argument("--json", type=Path, required=True)
    args = parser.parse_args()
    replicas = [times for path in args.times for times in read(path, args.slots)]
    if args.bench:
        replicas.append(of_bench_reports(args.name, args.bench))
    replicas += [] if args.without_assumed else ASSUMED
    found: list[dict[str, Any]] = []
    for times in replicas:
        has_changes = any(one["changes"] for one in found)
        found.append(planned_replica(times, args.listeners, with_changes=not has_changes))
    args.json.write_text(json.dumps(result(found), indent=1) + "\n", encoding="utf-8")


def result(replicas: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Returns the plan's file of replicas."""
    return {
        "suite": "scaling-plan",
        "date": time.strftime("%Y-%m-%d"),
        "promise": asdict(Promise(ttfa_p95_s=_TTFA_P95_S)),
        "line": asdict(_LINE),
        "replicas": list(replicas),
    }


def planned_replica(
    times: ServiceTimes, listeners: Sequence[float], *, with_changes: bool
) -> dict[str, Any]:
    """Returns the plan of one kind of replicas; the first of a plan shows what changes do."""
    print(f"\n{times.name} ({'measured' if times.is_measured else 'ASSUMED'}: {times.source})")
    rows = []
    for row in planned(times, listeners):
        rows.append(row)
        print(_line(row), flush=True)
    changes = _changed(times, rows) if with_changes else []
    for case in changes:
        print(f"  {case['scenario']}, {case['case']}: {_figures(case['figures'])}", flush=True)
    return {
        "times": asdict(times),
        "steps_s": times.steps_s(),
        "plan": rows,
        "changes": changes,
    }


def _line(row: dict[str, Any]) -> str:
    num = "none will do" if row["num_replicas"] is None else f"{row['num_replicas']} replicas"
    return (
        f"  {row['num_listeners']:g} streams, buffer {row['buffer_s']:g} s: {num}; "
        f"{_figures(row['outcome'])}"
    )


def _figures(outcome: dict[str, Any]) -> str:
    return (
        f"TTFA p50 {_s(outcome['ttfa_p50_s'])}, p95 {_s(outcome['ttfa_p95_s'])}, holes "
        f"{outcome['hole_rate']:.1%}, refused {outcome['refusal_rate']:.2%}, lost "
        f"{outcome['num_lost']} of {outcome['num_takes']}, working {outcome['utilisation']:.0%}"
    )


def _s(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.2f} s"


if __name__ == "__main__":
    main()
