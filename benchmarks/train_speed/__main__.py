"""`python -m benchmarks.train_speed`: both trainers in turns, a table, and JSON to keep.

    python -m benchmarks.train_speed --upstream CHECKOUT --model DIR --json OUT

CHECKOUT is a checkout of QwenLM/Qwen3-TTS, DIR a checkpoint, as
`intone models random --size 0.6b --kind base --out DIR` writes it.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.train_speed.data import make_rows, write_encoded_rows, write_public_rows
from benchmarks.train_speed.replacements import REPLACEMENTS, SCRIPT_COMMIT
from benchmarks.train_speed.report import Comparison, SideFigures
from benchmarks.train_speed.sides import (
    ACCUMULATION,
    Intone,
    ProcessFigures,
    PublicScript,
    Side,
    Workload,
)

from intone.bench.machine import Machine
from intone.core.errors import IntoneError
from intone.models.config import ModelConfig, read_json

SAME_FORM = (
    "--at-once-rate",
    "1",
    "--language-rate",
    "0",
    "--x-vector-rate",
    "1",
    "--icl-rate",
    "0",
)
OURS = (
    Intone("intone, defaults", ()),
    Intone("intone, rows of the script's form", SAME_FORM),
    Intone("intone, same, every frame", (*SAME_FORM, "--predictor-share", "1")),
)
"""What a reader needs to see where the factor comes from: our defaults; rows in the one form that
the script knows; and, besides, every frame given to the code predictor."""


def main(argv: Sequence[str] | None = None) -> int:
    """Measures, prints the table and returns the exit code."""
    args = _parser().parse_args(argv)
    try:
        comparison = measure(args)
    except IntoneError as error:
        print(f"train_speed: {error}", file=sys.stderr)
        return 2
    print(comparison)
    if args.json is not None:
        comparison.save(args.json)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="benchmarks.train_speed", description=__doc__)
    parser.add_argument("--upstream", type=Path, required=True, help="checkout of Qwen3-TTS")
    parser.add_argument("--model", type=Path, required=True, help="Base checkpoint")
    parser.add_argument("--public-python", type=Path, default=Path(".venv-oracle/bin/python"))
    parser.add_argument("--rows-per-step", type=int, default=8, help="a multiple of 4")
    parser.add_argument("--steps", type=int, default=4, help="of a process; the first warms up")
    parser.add_argument("--rounds", type=int, default=2, help="processes of each side")
    parser.add_argument("--min-s", type=float, default=2.0, help="shortest utterance")
    parser.add_argument("--max-s", type=float, default=12.0, help="longest utterance")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", nargs="*", type=int, help="numbers of sides; 0 is the script")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    return parser


def measure(args: argparse.Namespace) -> Comparison:
    """Lets the sides take turns, one process at a time."""
    if args.rows_per_step % ACCUMULATION:
        raise SystemExit(f"--rows-per-step must be a multiple of {ACCUMULATION}")
    sides: list[Side] = [PublicScript(args.upstream, args.public_python), *OURS]
    chosen = [sides[i] for i in args.only] if args.only is not None else sides
    machine, loads = Machine.here(), []
    processes: dict[str, list[ProcessFigures]] = {side.name: [] for side in chosen}
    with TemporaryDirectory(prefix="train-speed-") as root:
        work = _workload(args, Path(root))
        for _ in range(args.rounds):
            for side in chosen:
                loads.append(round(os.getloadavg()[0], 2))
                figures = side.train(work)
                processes[side.name].append(figures)
                _tell(side.name, figures.step_s)
    options = {side.name: list(side.options) for side in OURS}
    return Comparison(
        model=args.model.name,
        rows_per_step=args.rows_per_step,
        num_rows=args.rows_per_step * args.steps,
        row_s=(args.min_s, args.max_s),
        threads=args.threads,
        upstream_commit=SCRIPT_COMMIT,
        replacements=[f"{r.old} -> {r.new or 'nothing'}: {r.why}" for r in REPLACEMENTS],
        machine=machine,
        loads=loads,
        date=date.today().isoformat(),
        figures={
            name: SideFigures.of(runs, options.get(name, [])) for name, runs in processes.items()
        },
    )


def _workload(args: argparse.Namespace, root: Path) -> Workload:
    config = ModelConfig.from_dict(read_json(args.model / "config.json"))
    rows = make_rows(
        args.rows_per_step * args.steps,
        min_s=args.min_s,
        max_s=args.max_s,
        num_codes=config.code_predictor.vocab_size,
        seed=0,
    )
    return Workload(
        model=args.model,
        public_rows=write_public_rows(rows, root),
        encoded=write_encoded_rows(rows, root / "data", config.talker.hidden_size),
        rows_per_step=args.rows_per_step,
        num_steps=args.steps,
        threads=args.threads,
    )


def _tell(name: str, step_s: Sequence[float]) -> None:
    print(f"{name}: steps of {', '.join(f'{each:.1f}' for each in step_s)} s", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
