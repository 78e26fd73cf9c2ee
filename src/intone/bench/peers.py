"""The engines that Intone is measured beside: their options, checks and processes."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from intone.bench.job import BenchJob
from intone.core.errors import InvalidSettingError

if TYPE_CHECKING:
    from intone.bench.contestant import Contestant

QWEN_TTS = "qwen-tts"
C_ENGINE = "c-engine"
_PEER_PYTHON = Path(".venv-oracle/bin/python")
_PEER_DTYPES = ("fp32", "bf16")


def add_peer_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options that name peers."""
    parser.add_argument(
        "--against",
        action="append",
        default=[],
        choices=(QWEN_TTS, C_ENGINE),
        help="measure this engine as well, in turns; may be given twice",
    )
    parser.add_argument(
        "--peer-python",
        type=Path,
        default=_PEER_PYTHON,
        help=f"Python with {QWEN_TTS} (default: {_PEER_PYTHON}, made by `make oracle`)",
    )
    parser.add_argument(
        "--peer-dtype",
        choices=_PEER_DTYPES,
        help=f"precision of {QWEN_TTS} (default: fp32 beside fp32, else bf16)",
    )
    parser.add_argument(
        "--c-engine", type=Path, metavar="BINARY", help="the built C engine (benchmarks/README.md)"
    )


def check_peers(args: argparse.Namespace) -> None:
    """Raises InvalidSettingError for a peer that is not here or cannot do what is asked."""
    if QWEN_TTS in args.against and not args.peer_python.exists():
        raise InvalidSettingError(
            f"--peer-python is {args.peer_python}, which does not exist; run `make oracle` once, "
            f"or name a Python that has {QWEN_TTS} installed."
        )
    if C_ENGINE not in args.against:
        return
    if args.c_engine is None or not args.c_engine.is_file():
        raise InvalidSettingError(
            f"--c-engine is {args.c_engine}, which is no file; build the engine once "
            "(benchmarks/README.md) and name its binary."
        )
    if args.streams > 1 or args.device not in (None, "cpu"):
        raise InvalidSettingError(
            f"--streams is {args.streams} and --device {args.device}; {C_ENGINE} is measured with "
            "one stream on the CPU."
        )


def peers(args: argparse.Namespace, job: BenchJob) -> Sequence[Contestant]:
    """Returns the peers asked for, each in the nearest precision that it has."""
    from intone.bench.contestant import Contestant

    found = []
    for name in dict.fromkeys(args.against):
        if name == QWEN_TTS:
            dtype = args.peer_dtype or ("fp32" if job.dtype == "fp32" else "bf16")
            found.append(Contestant.qwen_tts(replace(job, dtype=dtype), args.peer_python))
        else:
            found.append(Contestant.c_engine(job, args.c_engine.resolve()))
    return found
