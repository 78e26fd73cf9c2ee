"""The tables of docs/scaling.md, from the results: `python -m benchmarks.scaling.tables`.

A test holds the page beside what this prints.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.scaling.service import undisturbed

RESULTS = Path(__file__).parents[1] / "results"
_CHANGES = ("scenario", "case")


def plan_table(plan: Mapping[str, Any]) -> Iterator[str]:
    """Yields a table: for each number of streams the replicas, without and with a buffer."""
    replicas = plan["replicas"]
    yield _row(["streams at once", "takes a second", *map(_heading, replicas)])
    yield _row(["---"] * (2 + len(replicas)))
    listeners = [row["num_listeners"] for row in replicas[0]["plan"] if row["buffer_s"] == 0.0]
    for num in listeners:
        found = [[row for row in one["plan"] if row["num_listeners"] == num] for one in replicas]
        rate_hz = found[0][0]["rate_hz"]
        yield _row([f"{num:,.0f}", f"{rate_hz:,.1f}", *map(_sizes, found)])


def changes_table(plan: Mapping[str, Any], name: str) -> Iterator[str]:
    """Yields a table of what changes did to the fleet of one kind of replicas."""
    changes = next(one["changes"] for one in plan["replicas"] if one["times"]["name"] == name)
    yield _row(["", "", "TTFA p50 / p95 / p99", "with a hole", "refused", "lost"])
    yield _row(["---"] * 6)
    for change in changes:
        figures = change["figures"]
        ttfa = " / ".join(f"{figures[f'ttfa_p{at}_s']:.2f}" for at in (50, 95, 99))
        yield _row(
            [
                *(change[name] for name in _CHANGES),
                f"{ttfa} s",
                f"{figures['hole_rate']:.1%}",
                f"{figures['refusal_rate']:.2%}",
                f"{figures['num_lost']} of {figures['num_takes']:,}",
            ]
        )


def capacity_table(scaling: Mapping[str, Any]) -> Iterator[str]:
    """Yields a table of one replica's measured times, without levels that were disturbed."""
    yield _row(
        ["takes at once", "a turn", "a prompt", "codec, a frame", "audio s/s", "peak memory"]
    )
    yield _row(["---"] * 6)
    for level in undisturbed(scaling["levels"]):
        yield _row(
            [
                str(level["num_streams"]),
                *(
                    f"{level[name] * 1000:.1f} ms"
                    for name in ("step_s", "prefill_s", "codec_frame_s")
                ),
                f"{level['rtf']:.1f}",
                f"{level['peak_rss_mb']:.0f} MB",
            ]
        )


def validation_table(validation: Mapping[str, Any]) -> Iterator[str]:
    """Yields a table of a measured load beside its simulation."""
    yield _row(
        ["takes a second", "p50, measured / simulated", "p95", "with a hole", "audio s/s"],
    )
    yield _row(["---"] * 5)
    for row in validation["levels"]:
        yield _row(
            [
                f"{row['rate_hz']:g}",
                f"{row['measured_p50_s']:.2f} / {row['simulated_p50_s']:.2f} s",
                f"{row['measured_p95_s']:.2f} / {row['simulated_p95_s']:.2f} s",
                f"{row['measured_hole_rate']:.0%} / {row['simulated_hole_rate']:.0%}",
                f"{row['measured_audio_s_per_s']:.1f} / {row['simulated_audio_s_per_s']:.1f}",
            ]
        )


def result(name: str) -> dict[str, Any]:
    """Returns a result by its file's name."""
    found: dict[str, Any] = json.loads((RESULTS / name).read_text(encoding="utf-8"))
    return found


def tables() -> Iterator[list[str]]:
    """Yields the page's tables, in its order."""
    plan = result("scaling-plan.json")
    yield list(capacity_table(result("scaling-builtin.json")))
    yield list(plan_table(plan))
    for one in plan["replicas"]:
        if one["changes"]:
            yield list(changes_table(plan, one["times"]["name"]))
            break
    for name in ("scaling-validation.json", "scaling-validation-busy.json"):
        yield list(validation_table(result(name)))


def _heading(replica: Mapping[str, Any]) -> str:
    times = replica["times"]
    return f"{times['name']}{', measured' if times['is_measured'] else ''}"


def _sizes(rows: Sequence[Mapping[str, Any]]) -> str:
    sizes = [row["num_replicas"] for row in sorted(rows, key=lambda row: row["buffer_s"])]
    return " / ".join("none" if size is None else f"{size:,}" for size in sizes)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Prints them."""
    for table in tables():
        print("\n".join(table), end="\n\n")


if __name__ == "__main__":
    main()
