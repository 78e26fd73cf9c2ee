"""`intone doctor`: what this machine has, what would run, how fast and in how much memory."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from intone.cli.exit_codes import EXIT_OK
from intone.cli.options import Commands
from intone.cli.table import print_table
from intone.core.byte_sizes import format_bytes

if TYPE_CHECKING:
    from intone.cli.diagnosis import Diagnosis

Row = tuple[str, ...]


def add_parser(commands: Commands[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "doctor",
        help="what this machine can do, and what to change",
        description="Show processor, memory, engine and built graphs, predict speed and memory of "
        "the released models, and say what to change.",
    )
    parser.add_argument("--quick", action="store_true", help="measure nothing: no speeds")
    parser.add_argument("--json", action="store_true", help="print the same as one JSON object")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Prints what was found; the exit code is 0 whatever that is."""
    from intone.cli.advice import advice
    from intone.cli.diagnosis import Diagnosis

    found = Diagnosis.here(measures=not args.quick)
    sentences = list(advice(found))
    if args.json:
        print(json.dumps(asdict(found) | {"advice": sentences}, indent=1))
        return EXIT_OK
    print_table([*_machine_rows(found), *_software_rows(found), *_built_rows(found)])
    print("\nPredicted, one take at a time, up to 50 s of audio:")
    print_table([("MODEL", "DTYPE", "MEMORY", "REAL TIME"), *_outlook_rows(found)])
    if sentences:
        print("\nTo change:")
    for sentence in sentences:
        print(f"- {sentence}")
    return EXIT_OK


def _machine_rows(found: Diagnosis) -> Iterator[Row]:
    machine = found.machine
    yield "processor", machine.cpu.name or "not known"
    yield "features", str(machine.cpu)
    yield "cores to use", str(machine.threads)
    yield "memory", f"{_bytes(machine.total_bytes)}, {_bytes(machine.available_bytes)} available"
    yield "huge pages", machine.huge_pages or "none"
    yield "system", machine.kernel
    if found.rates is not None:
        yield (
            "measured",
            f"reads {found.rates.read_gb_s:.0f} GB/s, multiplies "
            f"{found.rates.multiply_all_gflop_s:.0f} GFLOP/s in fp32",
        )


def _software_rows(found: Diagnosis) -> Iterator[Row]:
    yield "intone", f"{found.intone}, Python {found.machine.python}"
    for name, version in found.packages.items():
        yield name, version or "not installed"
    yield "device", found.chosen.device
    yield "precision", f"{found.chosen.dtype} (released models, --dtype auto)"
    yield "engine", found.chosen.engine or "none"
    if found.chosen.sharing:
        yield "threads", found.chosen.sharing


def _built_rows(found: Diagnosis) -> Iterator[Row]:
    for name in found.models:
        graphs = [built for built in found.built if built.model == name]
        if not graphs:
            yield f"graphs of {name}", "not built yet"
        for built in graphs:
            size = format_bytes(built.num_bytes)
            yield f"graphs of {name}", f"{built.dtype}, {size}, {built.directory}"


def _outlook_rows(found: Diagnosis) -> Iterator[Row]:
    for one in found.outlook:
        speed = "not measured" if one.rtf is None else f"{one.rtf:.1f}x"
        yield one.size, one.dtype, format_bytes(one.memory_bytes), speed


def _bytes(num_bytes: int | None) -> str:
    return "not known" if num_bytes is None else format_bytes(num_bytes)
