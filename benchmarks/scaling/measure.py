"""What one replica needs for its work: `python -m benchmarks.scaling.measure --help`.

Each number of takes at once is a run of `intone bench` in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.scaling.service import level_of

from intone.bench.contestant import Contestant
from intone.bench.job import BenchJob
from intone.bench.machine import Machine
from intone.bench.measuring import measure
from intone.voices.builtin_voice import BUILTIN_MODEL, builtin_directory

_NUM_FRAMES = 52
"""4.16 s, the usual take."""


def measured(model: str, threads: int, counts: list[int], num_takes: int) -> dict[str, Any]:
    """Returns service times by takes at once, with the machine and how busy it was.

    Raises:
        BenchError: the worker failed.
    """
    machine, date = Machine.here(), time.strftime("%Y-%m-%d")
    directory = str(builtin_directory()) if model == BUILTIN_MODEL else model
    levels, loads_s, others = [], [], []
    for num_streams in counts:
        job = BenchJob(
            model=directory, threads=threads, num_frames=_NUM_FRAMES, num_streams=num_streams
        )
        report = measure(job, [Contestant.intone(job)], num_takes, with_floors=False)
        figures = report.figures["intone"]
        levels.append(level_of(asdict(report)))
        loads_s.append(figures.load_s + (figures.import_s or 0.0))
        others.append(report.other_cpus)
    return {
        "suite": "scaling",
        "model": Path(model).name,
        "dtype": figures.dtype,
        "threads": threads,
        "num_frames": _NUM_FRAMES,
        "num_takes": num_takes,
        "machine": asdict(machine),
        "date": date,
        "other_cpus": others,
        "load_s": max(loads_s),
        "versions": figures.versions,
        "levels": levels,
    }


def main() -> None:
    """Measures, prints and writes."""
    parser = argparse.ArgumentParser(description="Measure the service times of one replica.")
    parser.add_argument("--model", default=BUILTIN_MODEL, help="directory, or builtin (default)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--streams", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--takes", type=int, default=3, help="that count, beside one before")
    parser.add_argument("--json", type=Path, required=True)
    args = parser.parse_args()
    found = measured(args.model, args.threads, sorted(set(args.streams)), args.takes)
    args.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    for level in found["levels"]:
        print(
            f"{level['num_streams']:>3} at once: step {level['step_s'] * 1000:.1f} ms, codec "
            f"{level['codec_frame_s'] * 1000:.1f} ms a frame, prompt "
            f"{level['prefill_s'] * 1000:.0f} ms, {level['rtf']:.1f}x real time"
        )


if __name__ == "__main__":
    main()
