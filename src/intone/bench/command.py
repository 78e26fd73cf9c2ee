"""`intone bench`: arguments in, table and JSON out. Light: the work happens in other processes."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from intone.bench.contestant import Contestant
from intone.bench.job import DEFAULT_TEXT, BenchJob
from intone.bench.machine import Machine
from intone.bench.report import Report
from intone.core.errors import InvalidSettingError

PEER = "qwen-tts"
_PEER_PYTHON = Path(".venv-oracle/bin/python")
_SIZES = ("tiny", "0.6b", "1.7b")
_KINDS = ("base", "custom", "design")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `intone bench` to a parser."""
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--model", help="alias, hub id or checkpoint directory (default: the built-in voice)"
    )
    source.add_argument(
        "--random",
        metavar="SIZE-KIND",
        help="make a checkpoint with random weights for this run, e.g. 0.6b-custom",
    )
    parser.add_argument("--device", default="cpu", help="cpu, cuda or cuda:N (default: cpu)")
    parser.add_argument("--dtype", default="fp32", choices=("fp32", "bf16", "fp16"))
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--frames", type=int, default=48, help="per take (default: 48)")
    parser.add_argument(
        "--chunk-frames", type=int, help="frames per chunk (default: the ramp 1, 2, 4, 8)"
    )
    parser.add_argument("--streams", type=int, default=1, help="takes at once (default: 1)")
    parser.add_argument("--takes", type=int, default=3, help="measured takes (default: 3)")
    parser.add_argument("--text", default=DEFAULT_TEXT)
    parser.add_argument("--json", type=Path, help="also write the report here")
    parser.add_argument("--against", choices=(PEER,), help="measure the public package as well")
    parser.add_argument(
        "--peer-python",
        type=Path,
        default=_PEER_PYTHON,
        help=f"Python that has {PEER} installed (default: {_PEER_PYTHON}, made by `make oracle`)",
    )


def run(args: argparse.Namespace) -> int:
    """Measures, prints the table, and returns the exit code.

    Raises:
        IntoneError: a setting, checkpoint or contestant cannot be used.
    """
    _check(args)
    with _checkpoint(args) as directory:
        job = BenchJob(
            model=str(directory),
            device=args.device,
            dtype=args.dtype,
            threads=args.threads,
            num_frames=args.frames,
            chunk_frames=args.chunk_frames,
            num_streams=args.streams,
            text=args.text,
        )
        contestants = [Contestant.intone(job)]
        if args.against == PEER:
            contestants.append(Contestant.qwen_tts(job, args.peer_python))
        report = measure(job, contestants, args.takes)
    print(report)
    if args.json is not None:
        report.save(args.json)
    return 0


def measure(job: BenchJob, contestants: Sequence[Contestant], num_takes: int) -> Report:
    """Lets the contestants take turns, one take to warm up and `num_takes` that count."""
    machine = Machine.here()
    with ExitStack() as stack:
        for contestant in contestants:
            stack.enter_context(contestant)
        for _ in range(1 + num_takes):
            for contestant in contestants:
                contestant.take()
        figures = {contestant.name: contestant.figures() for contestant in contestants}
    return Report(
        job=job,
        machine=machine,
        date=date.today().isoformat(),
        num_takes=num_takes,
        figures=figures,
    )


def _check(args: argparse.Namespace) -> None:
    for name in ("threads", "frames", "streams", "takes"):
        if getattr(args, name) < 1:
            raise InvalidSettingError(f"--{name} is {getattr(args, name)}; allowed: 1 or more.")
    if args.against == PEER and not args.peer_python.exists():
        raise InvalidSettingError(
            f"--peer-python is {args.peer_python}, which does not exist; run `make oracle` once, "
            f"or name a Python that has {PEER} installed."
        )


@contextmanager
def _checkpoint(args: argparse.Namespace) -> Iterator[Path]:
    """Yields the directory to measure; a random checkpoint is deleted afterwards."""
    if args.random is None:
        yield _directory_of(args.model)
        return
    from intone.models.random_checkpoint import write_random_checkpoint  # brings torch

    size, _, kind = args.random.lower().rpartition("-")
    if size not in _SIZES or kind not in _KINDS:
        raise InvalidSettingError(
            f"--random is {args.random!r}; allowed: SIZE-KIND with SIZE one of "
            f"{', '.join(_SIZES)} and KIND one of {', '.join(_KINDS)}."
        )
    with TemporaryDirectory(prefix="intone-bench-") as root:
        yield write_random_checkpoint(Path(root) / f"random-{size}-{kind}", kind=kind, size=size)


def _directory_of(model: str | None) -> Path:
    from intone.models.hub import HubSettings, resolve
    from intone.voices.builtin_voice import BUILTIN_MODEL, builtin_directory

    if model is None or model == BUILTIN_MODEL:
        return builtin_directory()
    return resolve(model, HubSettings.from_env(os.environ))
