"""`intone bench`: arguments in, table and JSON out. Light: the work happens in other processes."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from intone.bench.checkpoints import directory_of, random_checkpoint
from intone.bench.gpu.command import add_suite_arguments, run_gpu_suite
from intone.bench.job import DEFAULT_TEXT, DTYPES, BenchJob
from intone.bench.peers import add_peer_arguments, check_peers, peers
from intone.bench.serve import command as serve
from intone.core.errors import InvalidSettingError

_DEVICE = "cpu"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `intone bench` to a parser."""
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--model",
        action="append",
        help="alias, hub id or checkpoint directory (default: the built-in voice); a suite takes "
        "several",
    )
    source.add_argument(
        "--random",
        metavar="SIZE-KIND",
        help="make a checkpoint with random weights for this run, e.g. 0.6b-custom",
    )
    parser.add_argument(
        "--device",
        help=f"cpu, cuda or cuda:N (default: {_DEVICE}; of a suite, cuda where there is one)",
    )
    parser.add_argument("--dtype", default="auto", choices=DTYPES)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--frames", type=int, default=48, help="per take (default: 48)")
    parser.add_argument(
        "--chunk-frames", type=int, help="frames per chunk (default: the ramp 1, 2, 4, 8)"
    )
    parser.add_argument("--streams", type=int, default=1, help="takes at once (default: 1)")
    parser.add_argument("--takes", type=int, default=3, help="measured takes (default: 3)")
    parser.add_argument("--text", default=DEFAULT_TEXT)
    parser.add_argument("--json", type=Path, help="also write the report here")
    parser.add_argument(
        "--cold",
        action="store_true",
        help="also measure the first start, with nothing built and cached before",
    )
    parser.add_argument(
        "--no-floors",
        action="store_true",
        help="do not measure how fast this machine reads and multiplies (about two seconds)",
    )
    add_peer_arguments(parser)
    add_suite_arguments(parser)
    kinds = parser.add_subparsers(metavar="serve")
    serving = kinds.add_parser("serve", help="load a server instead: `intone bench serve --help`")
    serve.add_arguments(serving)
    serving.set_defaults(run=serve.run)


def run(args: argparse.Namespace) -> int:
    """Measures, prints the table, and returns the exit code.

    Raises:
        IntoneError: a setting, checkpoint or contestant cannot be used.
    """
    if args.suite is not None:
        return run_gpu_suite(args)
    _check(args)
    with _checkpoint(args) as directory:
        job = BenchJob(
            model=str(directory),
            device=args.device or _DEVICE,
            dtype=args.dtype,
            threads=args.threads,
            num_frames=args.frames,
            chunk_frames=args.chunk_frames,
            num_streams=args.streams,
            text=args.text,
        )
        from intone.bench.cold import measure_cold
        from intone.bench.contestant import Contestant
        from intone.bench.measuring import measure  # brings numpy

        contestants = [Contestant.intone(job), *peers(args, job)]
        report = measure(job, contestants, args.takes, with_floors=_has_floors(args))
        if args.cold:
            report = replace(report, cold=measure_cold(job))
    print(report)
    if args.json is not None:
        report.save(args.json)
    return 0


def _has_floors(args: argparse.Namespace) -> bool:
    return args.device in (None, _DEVICE) and not args.no_floors


def _check(args: argparse.Namespace) -> None:
    for name in ("threads", "frames", "streams", "takes"):
        if getattr(args, name) < 1:
            raise InvalidSettingError(f"--{name} is {getattr(args, name)}; allowed: 1 or more.")
    if args.part or args.quick or args.budget is not None:
        raise InvalidSettingError(
            "--part, --quick and --budget are of a suite; name one, e.g. --suite gpu."
        )
    if len(args.model or ()) > 1:
        raise InvalidSettingError(
            f"--model is given {len(args.model)} times; allowed: once, several times with --suite."
        )
    check_peers(args)


@contextmanager
def _checkpoint(args: argparse.Namespace) -> Iterator[Path]:
    """Yields the directory to measure."""
    if args.random is None:
        yield directory_of(args.model[0] if args.model else None)
        return
    with random_checkpoint(args.random) as directory:
        yield directory
