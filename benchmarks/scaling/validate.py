"""The simulation beside a measured load: `python -m benchmarks.scaling.validate --help`.

One replica gets the very arrivals that `intone bench serve` sent, and takes as long as those it
heard; nothing is fitted. What differs is what the simulation does not know: HTTP, the share of the
clients in the same cores, and neighbours on the machine.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.scaling.fleet import Fleet, play
from benchmarks.scaling.replica import Line
from benchmarks.scaling.service import ServiceTimes, read
from benchmarks.scaling.takes import Arrival

from intone.bench.serve.arrivals import poisson_arrivals
from intone.core.constants import FRAME_S

_RUNNING, _WAITING = 8, 64
"""The server's defaults on a CPU; it has four slots, so that four more wait inside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One rate, measured and simulated; a factor is simulated over measured."""

    rate_hz: float
    num_requests: int
    measured_p50_s: float
    simulated_p50_s: float
    factor_p50: float
    measured_p95_s: float
    simulated_p95_s: float
    factor_p95: float
    measured_hole_rate: float
    simulated_hole_rate: float
    measured_audio_s_per_s: float
    simulated_audio_s_per_s: float


def compared(times: ServiceTimes, level: Mapping[str, Any]) -> Compared:
    """Returns one level of a measured load beside its simulation."""
    arrivals = _arrivals(level)
    line = Line(max_waiting=_WAITING + _RUNNING - times.slots)
    played = play(Fleet(times=times, num_replicas=1, line=line), arrivals)
    outcome = played.outcome(until_s=level["duration_s"])
    assert outcome.ttfa_p50_s is not None
    assert outcome.ttfa_p95_s is not None
    wall_s = max(take.plays_until_s for take in played.takes)
    audio_s = sum(take.num_frames for take in played.takes) * FRAME_S
    measured_p50_s, measured_p95_s = level["ttfa_s"]["p50"], level["ttfa_s"]["p95"]
    return Compared(
        rate_hz=level["rate_hz"],
        num_requests=len(arrivals),
        measured_p50_s=measured_p50_s,
        simulated_p50_s=outcome.ttfa_p50_s,
        factor_p50=round(outcome.ttfa_p50_s / measured_p50_s, 2),
        measured_p95_s=measured_p95_s,
        simulated_p95_s=outcome.ttfa_p95_s,
        factor_p95=round(outcome.ttfa_p95_s / measured_p95_s, 2),
        measured_hole_rate=round(level["underrun_rate"], 3),
        simulated_hole_rate=outcome.hole_rate,
        measured_audio_s_per_s=level["audio_per_s"],
        simulated_audio_s_per_s=round(audio_s / wall_s, 3),
    )


def _arrivals(level: Mapping[str, Any]) -> list[Arrival]:
    """The arrivals of a level again; its audio is shared out by the length of texts."""
    sent = poisson_arrivals(level["rate_hz"], level["duration_s"], level["seed"])
    frames = level["audio_s"] / FRAME_S
    characters = sum(len(arrival.text) for arrival in sent)
    return [
        Arrival(arrival.at_s, max(1, round(frames * len(arrival.text) / characters)))
        for arrival in sent
    ]


def main() -> None:
    """Compares, prints and writes."""
    parser = argparse.ArgumentParser(description="Hold the simulation beside a measured load.")
    parser.add_argument("--times", type=Path, required=True, help="of benchmarks.scaling.measure")
    parser.add_argument("--load", type=Path, required=True, help="of intone bench serve --json")
    parser.add_argument("--json", type=Path, required=True)
    args = parser.parse_args()
    (times,) = read(args.times)
    measured = json.loads(args.load.read_text(encoding="utf-8"))
    rows = [compared(times, level) for level in measured["levels"]]
    result = {
        "times": times.source,
        "load": f"{args.load.name}, {measured['date']}, load {measured['machine']['load_average']}",
        "levels": [asdict(row) for row in rows],
    }
    args.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    for row in rows:
        print(
            f"{row.rate_hz:g}/s: p50 {row.measured_p50_s:.3f} measured, {row.simulated_p50_s:.3f} "
            f"simulated; p95 {row.measured_p95_s:.3f}, {row.simulated_p95_s:.3f}; holes "
            f"{row.measured_hole_rate:.0%}, {row.simulated_hole_rate:.0%}"
        )


if __name__ == "__main__":
    main()
