"""The results as one table to read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from intone.bench.gpu.device import NOT_ON_A_GPU
from intone.bench.gpu.goals import GOALS, Goal
from intone.bench.gpu.results import Entry, Results, Row

_WIDTH = 11
BUSY_LOAD = 0.25
"""Per processor, before the measurement."""

Column = tuple[str, Callable[[Row], str]]


def _number(name: str, form: str = "{:.1f}") -> Callable[[Row], str]:
    return lambda row: "-" if row.get(name) is None else form.format(row[name])


def _share(name: str) -> Callable[[Row], str]:
    """Of requests; of none there is no share."""
    return lambda row: f"{row[name]:.0%}" if row["num_requests"] else "-"


def _percentile_ms(name: str, percent: str) -> Callable[[Row], str]:
    def cell(row: Row) -> str:
        value = row[name].get(percent)
        return "-" if value is None else f"{value * 1000:.1f}"

    return cell


_COLUMNS: Mapping[str, tuple[str, Sequence[Column]]] = {
    "single": (
        "one stream (TTFA: first sample, silent or not)",
        (
            ("chunk", _number("chunk_frames", "{}")),
            ("real time", _number("rtf", "{:.2f}x")),
            ("TTFA p50", _number("ttfa_p50_ms")),
            ("p95 ms", _number("ttfa_p95_ms")),
            ("takes", _number("num_takes", "{}")),
        ),
    ),
    "frame": (
        "ms per frame, by part (floor: bytes and FLOP over this device's own rates)",
        (
            ("streams", _number("num_streams", "{}")),
            ("codebook 0", _number("codebook0_ms", "{:.3f}")),
            ("predictor", _number("code_predictor_ms", "{:.3f}")),
            ("floor", _number("code_predictor_floor_ms", "{:.3f}")),
            ("talker", _number("talker_ms", "{:.3f}")),
            ("floor", _number("talker_floor_ms", "{:.3f}")),
            ("codec", _number("codec_ms", "{:.3f}")),
            ("floor", _number("codec_floor_ms", "{:.3f}")),
            ("whole", _number("frame_ms", "{:.3f}")),
            ("host", _number("host_ms", "{:.3f}")),
        ),
    ),
    "streams": (
        "streams begun at once, ramp 1, 2, 4, 8",
        (
            ("streams", _number("num_streams", "{}")),
            ("audio s/s", _number("audio_s_per_s")),
            ("TTFA p50", _number("ttfa_p50_ms")),
            ("p95 ms", _number("ttfa_p95_ms")),
            ("gap p50", _number("gap_p50_ms")),
            ("p95", _number("gap_p95_ms")),
            ("max ms", _number("gap_max_ms")),
            ("underruns", _number("num_underruns", "{}")),
        ),
    ),
    "open-loop": (
        "intone serve, Poisson arrivals (TTFA: first sample above -50 dB; byte: the first)",
        (
            ("rate/s", _number("rate_hz", "{:g}")),
            ("requests", _number("num_requests", "{}")),
            ("success", _share("success_rate")),
            ("TTFA p50", _percentile_ms("ttfa_s", "p50")),
            ("p95 ms", _percentile_ms("ttfa_s", "p95")),
            ("byte p95", _percentile_ms("first_byte_s", "p95")),
            ("with holes", _share("underrun_rate")),
            ("audio s/s", _number("audio_per_s")),
        ),
    ),
    "peer": (
        "beside faster-qwen3-tts, in turns, medians",
        (
            ("chunk", _number("chunk_frames", "{}")),
            ("intone", _number("rtf", "{:.2f}x")),
            ("peer", _number("peer_rtf", "{:.2f}x")),
            ("TTFA", _number("ttfa_ms")),
            ("peer ms", _number("peer_ttfa_ms")),
            ("takes", _number("num_takes", "{}")),
        ),
    ),
    "host": (
        "host's side of a frame, no device work",
        (
            ("streams", _number("num_streams", "{}")),
            ("p50 ms", _number("p50_ms", "{:.3f}")),
            ("p95 ms", _number("p95_ms", "{:.3f}")),
            ("launch", _number("launch_p50_ms", "{:.3f}")),
            ("collect", _number("collect_p50_ms", "{:.3f}")),
            ("wall p95", _number("wall_p95_ms", "{:.3f}")),
            ("frames", _number("num_frames", "{}")),
        ),
    ),
}
"""By part: what it is, and its columns."""


def table(results: Results) -> str:
    """Returns every part that was measured, or why not, and the goals."""
    lines = [f"intone bench --suite gpu: {results.device}"]
    if not results.device.is_gpu:
        lines.append(
            f"This was {NOT_ON_A_GPU}: the parts ran on the CPU, to show that they run. "
            "Nothing below says how fast a GPU is."
        )
    load = results.device.machine.load_average
    if load is not None and load > BUSY_LOAD * results.device.machine.num_cpus:
        lines.append(f"The machine was busy (load {load:g}): do not quote these figures.")
    for part, (title, columns) in _COLUMNS.items():
        for model, entry in results.parts.get(part, {}).items():
            lines += ["", f"{_heading(part, model, entry)}: {title}", *_rows(columns, entry)]
    return "\n".join([*lines, "", *_goals(results)])


def _heading(part: str, model: str, entry: Entry) -> str:
    dtype = entry.setting.get("dtype")
    return ", ".join([part, model, *([] if dtype is None or part == "host" else [str(dtype)])])


def _rows(columns: Sequence[Column], entry: Entry) -> list[str]:
    lines = []
    if entry.figures:
        lines.append("".join(f"{name:>{_WIDTH}}" for name, _ in columns))
    for row in entry.figures:
        lines.append("".join(f"{cell(row):>{_WIDTH}}" for _, cell in columns))
    if entry.figures and entry.setting.get("is_quick"):
        lines.append("  of few takes (--quick): do not quote")
    return [*lines, *([] if entry.note is None else [f"  {entry.note}"])]


def _goals(results: Results) -> list[str]:
    return ["goals, 1.7B on an H200-class GPU:", *(_goal(goal, results) for goal in GOALS)]


def _goal(goal: Goal, results: Results) -> str:
    value = goal.value(results)
    shown = "" if value is None else f" ({value:.3g})"
    wanted = f"{goal.first:g}" if goal.first == goal.top else f"{goal.first:g}, then {goal.top:g}"
    return f"  {goal.name}: {wanted} {goal.unit}: {goal.verdict(results)}{shown}"
