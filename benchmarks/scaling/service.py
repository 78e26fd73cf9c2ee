"""How long one replica takes for its work: measured here, measured elsewhere, or assumed.

Every source ends as one `ServiceTimes`; the simulation knows nothing of models or devices.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from intone.core.constants import CHUNK_RAMP_FRAMES, FRAME_S
from intone.core.errors import InvalidSettingError

Points = tuple[tuple[int, float], ...]
"""(takes at once, seconds), rising in the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceTimes:
    """One replica's times; a turn makes one frame for every running take, as the engine's does."""

    name: str
    source: str
    """Which file, or whose figures."""
    is_measured: bool
    """By us. What is not is an assumption, and says so wherever it is shown."""
    slots: int
    """Takes that run at once."""
    step_s: Points
    """A turn's frames, by takes in it. Linear between points and after the last."""
    prefill_s: float
    """Per turn that admits, and per prompt in it unless `joins_prompts`."""
    joins_prompts: bool = False
    """Whether prompts of a turn are read at once, for the price of one."""
    prompts_per_turn: int = 16
    codec_frame_s: float = 0.0
    """Of a frame's audio, between two turns; 0 where `step_s` holds it."""
    overhead_s: float = 0.0
    """Beside the engine: from a request to its place in line, and from a chunk to its listener."""
    silent_s: float = 0.0
    """At the start of every take."""
    load_s: float = 30.0
    """From starting a replica until it takes work."""
    ramp_frames: tuple[int, ...] = CHUNK_RAMP_FRAMES

    def __post_init__(self) -> None:
        sizes = [size for size, _ in self.step_s]
        if not sizes or sizes != sorted(set(sizes)) or sizes[0] < 1:
            raise InvalidSettingError(
                f"step_s of {self.name} is for {sizes} takes; allowed: one time or more, rising."
            )
        if self.slots < 1 or min(seconds for _, seconds in self.step_s) <= 0:
            raise InvalidSettingError(
                f"{self.name} has {self.slots} slots and steps of {self.step_s}; allowed: at "
                "least one slot, and times above 0."
            )

    def steps_s(self) -> list[float]:
        """Returns a turn's seconds by takes in it, 0 to `slots`."""
        return [0.0, *(_at(self.step_s, size) for size in range(1, self.slots + 1))]

    def capacity_audio_s_per_s(self, num_takes: int) -> float:
        """Returns audio seconds per second with so many takes running all the time."""
        turn_s = self.steps_s()[num_takes] + num_takes * self.codec_frame_s
        return num_takes * FRAME_S / turn_s


def read(path: Path, slots: int | None = None) -> tuple[ServiceTimes, ...]:
    """Returns the replicas whose times a file of ours holds.

    Args:
        path: of `benchmarks.scaling.measure`, or of `intone bench --suite gpu --json`.
        slots: takes at once; None: four on a CPU, 64 on a GPU, as the server's default.

    Raises:
        InvalidSettingError: neither kind of file.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data.get("suite") == "gpu":
            return tuple(_of_gpu_suite(path, data, slots or 64))
        if data.get("suite") == "scaling":
            return (of_levels(path.name, data["model"], data, slots or 4),)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise InvalidSettingError(f"{path} cannot be read as service times: {error!r}.") from error
    raise InvalidSettingError(
        f"{path} holds no service times; allowed: what `python -m benchmarks.scaling.measure` or "
        "`intone bench --suite gpu --json` wrote."
    )


def of_levels(file: str, name: str, data: Mapping[str, Any], slots: int) -> ServiceTimes:
    """Returns what `measure` found: `levels`, one for each number of takes at once."""
    levels = undisturbed(data["levels"])
    one = levels[0]
    return ServiceTimes(
        name=name,
        source=f"{file}, {data['machine']['cpu']}, {data['machine']['num_cpus']} CPUs",
        is_measured=True,
        slots=slots,
        step_s=tuple((level["num_streams"], level["step_s"]) for level in levels),
        prefill_s=one["prefill_s"],
        codec_frame_s=one["codec_frame_s"],
        load_s=data["load_s"],
    )


def undisturbed(levels: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Returns levels without those whose turns took longer than with more takes in them.

    More takes never make a turn shorter: what is slower was measured while others had the machine.
    """
    found: list[Mapping[str, Any]] = []
    for level in sorted(levels, key=lambda row: row["num_streams"], reverse=True):
        if not found or level["step_s"] <= found[-1]["step_s"]:
            found.append(level)
    return found[::-1]


def of_bench_reports(name: str, paths: Sequence[Path], slots: int = 4) -> ServiceTimes:
    """Returns the times in reports of `intone bench` on a CPU, one for each `num_streams`."""
    reports = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    levels = sorted((level_of(report) for report in reports), key=lambda row: row["num_streams"])
    data = {
        "levels": levels,
        "machine": reports[0]["machine"],
        "load_s": reports[0]["figures"]["intone"]["load_s"],
    }
    return of_levels(", ".join(path.name for path in paths), name, data, slots)


def level_of(report: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a report of `intone bench` as times of turns, prompts and chunks.

    Stages are per frame there, over all streams; where the codec runs beside the frame loop, what
    the loop waited for it belongs to no turn.
    """
    job, figures = report["job"], report["figures"]["intone"]
    num_streams = job["num_streams"]
    per_frame_ms = figures["talker_ms"] + figures["code_predictor_ms"] + (figures["other_ms"] or 0)
    return {
        "num_streams": num_streams,
        "step_s": per_frame_ms * num_streams / 1000,
        "prefill_s": figures["prefill_ms"] * job["num_frames"] / 1000,
        "codec_frame_s": figures["codec_ms"] / 1000,
        "ttfa_s": figures["ttfa_s"],
        "rtf": figures["rtf"],
        "rss_mb": figures["rss_mb"],
        "peak_rss_mb": figures["peak_rss_mb"],
    }


def _of_gpu_suite(path: Path, data: Mapping[str, Any], slots: int) -> list[ServiceTimes]:
    """Each model's throughput by streams; a turn's time holds prompts and codec then."""
    found = []
    for model, entry in data["parts"]["streams"].items():
        rows = sorted(entry["figures"], key=lambda row: row["num_streams"])
        points = tuple(
            (row["num_streams"], row["num_streams"] * FRAME_S / row["audio_s_per_s"])
            for row in rows
        )
        first_s = rows[0]["ttfa_p50_ms"] / 1000
        found.append(
            ServiceTimes(
                name=model,
                source=f"{path.name}, {data['device']['name']}",
                is_measured=True,
                slots=slots,
                step_s=points,
                prefill_s=max(0.0, first_s - points[0][1]),
                joins_prompts=bool(data["is_gpu"]),
            )
        )
    return found


def _at(points: Points, size: int) -> float:
    """Never less than the first: nobody has shown that fewer takes are quicker than measured."""
    if size <= points[0][0] or len(points) == 1:
        return points[0][1]
    left = max(i for i, (n, _) in enumerate(points[:-1]) if n < size)
    (n0, s0), (n1, s1) = points[left], points[left + 1]
    return s0 + (s1 - s0) * (size - n0) / (n1 - n0)
