"""`intone bench --suite gpu`: arguments in, table and JSON out. Light until it runs."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from intone.core.errors import InvalidSettingError

SUITES = ("gpu",)
PART_NAMES = ("host", "single", "frame", "streams", "peer", "open-loop")
_BUDGET_S = 510.0
"""Of one run, so that with loading it stays below nine minutes."""
_GPU_MODELS = ("1.7b-custom", "0.6b-custom")
_CPU_MODELS = ("tiny-custom",)
_DTYPES = ("auto", "fp32", "bf16", "fp16")
_NOT_OF_A_SUITE = (
    *("threads", "frames", "chunk_frames", "streams", "takes", "text", "cold", "no_floors"),
    *("against", "peer_dtype", "c_engine"),
)
"""Options of one measurement; the parts of a suite say for themselves."""


def add_suite_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of suites to a parser that has those of one measurement."""
    parser.set_defaults(unset={name: parser.get_default(name) for name in _NOT_OF_A_SUITE})
    group = parser.add_argument_group("suite")
    group.add_argument(
        "--suite",
        choices=SUITES,
        help="measure everything of a GPU instead, in parts, into one file (--json)",
    )
    group.add_argument(
        "--part",
        action="append",
        choices=PART_NAMES,
        help="only this part of the suite; may be given several times, and fills the same file",
    )
    group.add_argument("--quick", action="store_true", help="few takes: to see that all runs")
    group.add_argument("--budget", type=float, help=f"seconds, of a suite (default: {_BUDGET_S:g})")


def run_gpu_suite(args: argparse.Namespace) -> int:
    """Measures, prints the table and returns the exit code: 1 where a part found nothing.

    The file is written after every part, so that what was found survives whatever comes.

    Raises:
        IntoneError: a setting, checkpoint or file cannot be used.
    """
    _check(args)
    from intone.bench.gpu.device import Device
    from intone.bench.gpu.results import Entry, continued
    from intone.bench.gpu.sizes import size_for
    from intone.bench.gpu.suite import SuiteSetting, run_suite
    from intone.bench.gpu.table import table
    from intone.bench.gpu.timing import Budget
    from intone.engine.plan import resolve_device

    budget = Budget(_BUDGET_S if args.budget is None else args.budget)
    device = resolve_device(args.device or "auto")
    results = continued(args.json, Device.here(device))

    def kept(part: str, model: str, entry: Entry) -> None:
        results.put(part, model, entry)
        if args.json is not None:
            results.save(args.json)

    setting = SuiteSetting(
        device=device,
        dtype=_dtype(args.dtype, device),
        size=size_for(device, is_quick=args.quick),
        parts=args.part or PART_NAMES,
        peer_python=args.peer_python,
    )
    with _models(args, device) as models:
        is_complete = run_suite(models, setting, budget, kept)
    print(table(results))
    return 0 if is_complete else 1


def _check(args: argparse.Namespace) -> None:
    given = [name for name in _NOT_OF_A_SUITE if getattr(args, name) != args.unset[name]]
    if given:
        raise InvalidSettingError(
            f"--{given[0].replace('_', '-')} is of one measurement, and a suite has its own; leave "
            "it out, or leave out --suite."
        )
    if args.budget is not None and args.budget <= 0:
        raise InvalidSettingError(f"--budget is {args.budget:g}; allowed: more than 0 seconds.")
    if args.dtype not in _DTYPES:
        raise InvalidSettingError(
            f"--dtype is {args.dtype!r}; allowed with --suite gpu: {', '.join(_DTYPES)}."
        )


def _dtype(name: str, device: str) -> str:
    """A GPU's default is bf16; where the CPU stands in for one, speed is not the question."""
    if name != "auto":
        return name
    return "fp32" if device == "cpu" else "bf16"


@contextmanager
def _models(args: argparse.Namespace, device: str) -> Iterator[Sequence[Path]]:
    """Yields the checkpoints to measure, the most important first."""
    from intone.bench.checkpoints import directory_of, random_checkpoint

    if args.model is not None:
        yield [directory_of(model) for model in args.model]
        return
    if set(args.part or PART_NAMES) == {"host"}:  # needs no model
        yield []
        return
    default = _CPU_MODELS if device == "cpu" else _GPU_MODELS
    with ExitStack() as stack:
        names = default if args.random is None else (args.random,)
        yield [stack.enter_context(random_checkpoint(name)) for name in names]
