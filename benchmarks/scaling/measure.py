"""What one replica needs for its work: `python -m benchmarks.scaling.measure --help`.

Each number of takes at once is a worker of `intone bench`, in a process of its own. Of its takes
the quickest counts: what else the machine did can only have slowed it down. Called again with the
same file, a number that was measured before keeps the quicker of both.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from intone.bench.bystanders import ProcessorTime
from intone.bench.contestant import Contestant
from intone.bench.job import BenchJob
from intone.bench.machine import Machine
from intone.core.constants import FRAME_S
from intone.core.errors import InvalidSettingError
from intone.voices.builtin_voice import BUILTIN_MODEL, builtin_directory

_NUM_FRAMES = 52
"""4.16 s, the usual take."""

Level = dict[str, Any]


def level_measured(job: BenchJob, num_takes: int) -> tuple[Level, Mapping[str, Any]]:
    """Returns the times of the quickest of a few takes, one before not counted, and the first line
    of the worker.

    Raises:
        BenchError: the worker failed.
    """
    before, load_average = ProcessorTime.now(), Machine.here().load_average
    with Contestant.intone(job) as contestant:
        contestant.take()
        take = min((contestant.take() for _ in range(num_takes)), key=lambda one: one["wall_s"])
        ready, figures = contestant.ready, contestant.figures()
    after = ProcessorTime.now()
    num_frames = job.num_frames * job.num_streams
    prompts_s, codec_s = take["prefill_s"], take["codec_s"]
    networks_s = take["talker_s"] + take["code_predictor_s"]
    in_turn_s = networks_s if ready["is_pipeline"] else take["wall_s"] - prompts_s - codec_s
    level = {
        "num_streams": job.num_streams,
        "step_s": in_turn_s / job.num_frames,
        "prefill_s": prompts_s / job.num_streams,
        "codec_frame_s": codec_s / num_frames,
        "ttfa_s": take["ttfa_s"],
        "rtf": num_frames * FRAME_S / take["wall_s"],
        "rss_mb": figures.rss_mb,
        "peak_rss_mb": figures.peak_rss_mb,
        "load_s": ready["load_s"] + ready["import_s"],
        "load_average": load_average,
        "other_cpus": before.others_until(after) if before and after else None,
    }
    return level, ready


def measured(model: str, threads: int, counts: list[int], num_takes: int) -> dict[str, Any]:
    """Returns service times by takes at once, with the machine they were taken on."""
    directory = str(builtin_directory()) if model == BUILTIN_MODEL else model
    levels = []
    for num_streams in counts:
        job = BenchJob(
            model=directory, threads=threads, num_frames=_NUM_FRAMES, num_streams=num_streams
        )
        level, ready = level_measured(job, num_takes)
        levels.append(level)
    return {
        "suite": "scaling",
        "model": Path(model).name,
        "dtype": ready["dtype"],
        "threads": threads,
        "num_frames": _NUM_FRAMES,
        "num_takes": num_takes,
        "machine": asdict(Machine.here()),
        "date": time.strftime("%Y-%m-%d"),
        "load_s": max(level["load_s"] for level in levels),
        "versions": ready["versions"],
        "levels": levels,
    }


def merged(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """Returns two measurements of the same as one: of each level the quicker.

    Raises:
        InvalidSettingError: they are of different things.
    """
    for name in ("suite", "model", "dtype", "threads", "num_frames"):
        if before.get(name) != now[name]:
            raise InvalidSettingError(
                f"the file is of {name} {before.get(name)!r}, this is {now[name]!r}; name another."
            )
    quickest: dict[int, Level] = {}
    for level in (*before["levels"], *now["levels"]):
        kept = quickest.get(level["num_streams"])
        if kept is None or level["rtf"] > kept["rtf"]:
            quickest[level["num_streams"]] = level
    levels = [quickest[num] for num in sorted(quickest)]
    return {**now, "levels": levels, "load_s": min(before["load_s"], now["load_s"])}


def main() -> None:
    """Measures, prints and writes."""
    parser = argparse.ArgumentParser(description="Measure the service times of one replica.")
    parser.add_argument("--model", default=BUILTIN_MODEL, help="directory, or builtin (default)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--streams", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--takes", type=int, default=5, help="of which the quickest counts")
    parser.add_argument("--json", type=Path, required=True)
    args = parser.parse_args()
    found = measured(args.model, args.threads, sorted(set(args.streams)), args.takes)
    if args.json.exists():
        found = merged(json.loads(args.json.read_text(encoding="utf-8")), found)
    args.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    for level in found["levels"]:
        print(
            f"{level['num_streams']:>3} at once: step {level['step_s'] * 1000:.1f} ms, codec "
            f"{level['codec_frame_s'] * 1000:.1f} ms a frame, prompt "
            f"{level['prefill_s'] * 1000:.0f} ms, {level['rtf']:.1f}x real time"
        )


if __name__ == "__main__":
    main()
