"""Whether a soak went well: what the log, the figures and the listeners say, held side by side."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any

from benchmarks.soak.actions import Soak

MAX_GROWTH = 0.05
_IDLE = ("intone_running", "intone_queue_depth")
_MANY = 20


def judged(
    soak: Soak, memory: Sequence[tuple[float, float]], metrics: str, log: str, exit_code: int
) -> dict[str, Any]:
    """Returns figures and problems; no problem is a pass.

    Args:
        memory: (seconds, resident MB) over time.
        metrics: of the server when all users had gone.
        log: the server's, JSON lines.
    """
    logged = Counter[str]()
    statuses: dict[str, int] = {}
    for line in _requests(log):
        logged[line["request_id"]] += 1
        statuses[line["request_id"]] = line["status"]
    problems = [
        *soak.problems,
        *_unaccounted(soak.statuses, logged, statuses),
        *(
            f"{text!r} with seed {seed} sounded in {len(found)} ways"
            for (text, seed), found in soak.sounds.items()
            if len(found) > 1
        ),
        *(f"{name} is {value} at the end" for name in _IDLE if (value := _figure(metrics, name))),
    ]
    growth = _growth([mb for _, mb in memory])
    found = Counter(statuses[name] for name in soak.statuses if name in logged)
    if growth > MAX_GROWTH:
        problems.append(f"memory grew by {growth:.1%}")
    if exit_code:
        problems.append(f"the server ended with {exit_code}")
    return {
        "actions": soak.counts,
        "requests": len(soak.statuses),
        "requests_in_log": sum(logged[name] for name in soak.statuses),
        "by_status": dict(sorted(found.items())),
        "repeated_takes": len(soak.sounds),
        "memory_growth": round(growth, 4),
        "memory_first_mb": round(_part(memory, 0), 1),
        "memory_last_mb": round(_part(memory, -1), 1),
        "errors_in_log": sum('"level": "error"' in line for line in log.splitlines()),
        "problems": problems[:_MANY],
        "num_problems": len(problems),
    }


def _unaccounted(
    sent: Mapping[str, set[int]], logged: Mapping[str, int], statuses: Mapping[str, int]
) -> Iterator[str]:
    for name, allowed in sent.items():
        if name not in logged:
            if 499 not in allowed:  # who left before the request was whole was never there
                yield f"{name} is not in the log"
        elif logged[name] > 1:
            yield f"{name} is {logged[name]} times in the log"
        elif statuses[name] not in allowed:
            yield f"{name} is {statuses[name]} in the log; seen: {allowed}"


def _requests(log: str) -> Iterator[dict[str, Any]]:
    for line in log.splitlines():
        if line.startswith("{") and '"request_id"' in line and '"message": "request"' in line:
            yield json.loads(line)


def _figure(metrics: str, name: str) -> float:
    lines = [line for line in metrics.splitlines() if line.startswith(f"{name} ")]
    return float(lines[0].split()[1])


def _quarters(values: Sequence[float]) -> list[Sequence[float]]:
    size = max(1, len(values) // 4)
    return [values[i * size : (i + 1) * size] for i in range(4)]


def _growth(values: Sequence[float]) -> float:
    """Returns how much more the last quarter holds than the first, by their medians."""
    first, *_, last = _quarters(values)
    return median(last or first) / median(first) - 1


def _part(memory: Sequence[tuple[float, float]], quarter: int) -> float:
    values = _quarters([mb for _, mb in memory])[quarter]
    return median(values) if values else 0.0
