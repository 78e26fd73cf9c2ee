"""What to change, from what `intone doctor` found; a sentence each, the weightiest first."""

from __future__ import annotations

import re
from collections.abc import Iterator

from intone.cli.diagnosis import Diagnosis, MachineState
from intone.core.byte_sizes import format_bytes

_COLLAPSING_KERNEL = (6, 1)
"""From here on a program may ask for huge pages by itself; see `runtime/cpu/huge_pages.py`."""


def advice(found: Diagnosis) -> Iterator[str]:
    """Yields what would make models speak, faster or in less memory; nothing where all is well."""
    if found.chosen.engine is None:
        package = "onnxruntime" if found.chosen.device == "cpu" else "torch"
        yield f"nothing can run here: {package} is missing; pip install {package}"
    if found.machine.cpu.is_quick_in_int8 is False:
        yield "this processor has no instructions for 8 bit products (AVX2, or Arm's dot product)"
    yield from _about_memory(found)
    yield from _about_speed(found)
    yield from _about_pages(found.machine)
    yield from _about_models(found)


def _about_memory(found: Diagnosis) -> Iterator[str]:
    free = found.machine.available_bytes
    if free is None or found.chosen.device != "cpu":
        return
    fitting = [outlook for outlook in found.outlook if outlook.memory_bytes <= free]
    chosen = [outlook for outlook in found.outlook if outlook.dtype == found.chosen.dtype]
    for outlook in chosen:
        if outlook in fitting:
            continue
        smaller = [other for other in fitting if other.size == outlook.size]
        way_out = f"use --dtype {smaller[0].dtype}" if smaller else "use a smaller model"
        yield (
            f"{outlook.size} in {outlook.dtype} needs {format_bytes(outlook.memory_bytes)}, but "
            f"{format_bytes(free)} are available: {way_out}, or close other programs"
        )


def _about_speed(found: Diagnosis) -> Iterator[str]:
    busy = found.machine.load_average or 0
    if found.rates is not None and busy > found.machine.threads / 2:
        yield f"{busy:.1f} cores were busy in the last minute: an idle machine is quicker than this"
    speeds = {(one.size, one.dtype): one.rtf for one in found.outlook if one.rtf is not None}
    for size in dict.fromkeys(size for size, _ in speeds):
        int8, int4 = speeds[size, "int8"], speeds[size, "int4"]
        if int8 < 1 <= int4:
            yield f"{size} in int8 is predicted below real time: --dtype int4 would be above"
        elif int4 < 1:
            yield f"{size} is predicted below real time in every precision: streams will pause"


def _about_pages(machine: MachineState) -> Iterator[str]:
    numbers = re.search(r"(\d+)\.(\d+)", machine.kernel)
    is_old = bool(numbers) and _version(numbers) < _COLLAPSING_KERNEL
    if machine.huge_pages == "never" or (is_old and machine.huge_pages == "madvise"):
        word = "always" if is_old else "madvise"
        yield (
            f"transparent huge pages are {machine.huge_pages!r}: with {word!r} in "
            "/sys/kernel/mm/transparent_hugepage/enabled weights may be read up to 1.7 times as "
            "fast"
        )


def _version(numbers: re.Match[str] | None) -> tuple[int, int]:
    return (int(numbers[1]), int(numbers[2])) if numbers else (0, 0)


def _about_models(found: Diagnosis) -> Iterator[str]:
    if all(name == "builtin" for name in found.models):
        yield "no model was pulled: intone models pull 0.6b-custom (nine voices, ten languages)"
    for name in found.models:
        built = any(graphs.model == name for graphs in found.built)
        if found.chosen.device == "cpu" and not built:
            yield f"the first start of {name} builds its graphs: some seconds, once"
