"""`intone train encode`: checked clips as codec frames and x-vectors."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from intone.cli.exit_codes import EXIT_OK
from intone.cli.models_here import directory_of
from intone.cli.options import Commands
from intone.cli.progress import Progress
from intone.cli.train.check import share
from intone.train.progress import clock

if TYPE_CHECKING:
    from intone.train.encoding.encode_report import EncodeReport


def add_parser(stages: Commands[argparse.ArgumentParser]) -> None:
    """Adds the stage."""
    parser = stages.add_parser(
        "encode",
        help="turn checked clips into codec frames and x-vectors",
        description="Encodes every clip of a checked dataset once, into DATA/codes. A run that was "
        "stopped is continued by the next; rows that cannot be encoded are named in "
        "DATA/codes/failed.jsonl.",
    )
    parser.add_argument("data", metavar="DATA", help="directory of `intone train check`")
    parser.add_argument(
        "--model", metavar="ID|DIR", required=True, help="the checkpoint that will be trained"
    )
    parser.add_argument(
        "--speaker-encoder",
        metavar="ID|DIR",
        help="Base checkpoint of the same size whose speaker encoder makes the x-vectors "
        "(default: the model's own; CustomVoice and VoiceDesign have none)",
    )
    parser.add_argument(
        "--trim",
        action="store_true",
        help="cut silence at the ends of clips down to 0.1 s and 0.2 s: longer tails teach a "
        "talker not to end; reference clips stay as they are",
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N")
    parser.add_argument(
        "--processes", type=int, metavar="N", help="default: one per core, at most 8; 1 on a GPU"
    )
    parser.add_argument(
        "--batch-seconds",
        type=float,
        metavar="S",
        help="audio in one batch, padding included (default: 120 on a GPU; 0, clip by clip, on a "
        "CPU)",
    )
    parser.add_argument(
        "--max-failed",
        type=share,
        default=0.0,
        metavar="SHARE",
        help="how many rows may fail, 0.05 or 5%% (default: none); more end with exit code 10",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Encodes what is missing and prints what there is."""
    from intone.engine.plan import resolve_device
    from intone.train.encoding.encode import encode
    from intone.train.encoding.encode_report import EncodeSettings

    other = args.speaker_encoder
    settings = EncodeSettings(
        model=directory_of(args.model),
        speaker_encoder=None if other is None else directory_of(other),
        trim=args.trim,
        device=resolve_device(args.device),
        processes=args.processes,
        batch_s=args.batch_seconds,
        max_failed_share=args.max_failed,
    )
    with Progress() as progress:
        report = encode(Path(args.data), settings, lambda state: progress.show(str(state)))
    for cut in report.cuts:
        print(
            f"intone: {cut.path.name} ended in the middle of a record; {cut.cut_bytes} bytes were "
            "cut off, what was in them is encoded again.",
            file=sys.stderr,
        )
    for name, value in _lines(report):
        print(f"{name:<9}  {value}")
    return EXIT_OK


def _lines(report: EncodeReport) -> Iterator[tuple[str, str]]:
    """Yields what is printed."""
    reasons = ", ".join(f"{count} {code}" for code, count in report.failed_by_code.most_common())
    failed = f"{len(report.failures)} failed" + (f" ({reasons})" if reasons else "")
    yield "rows", f"{report.rows}: {report.encoded} encoded, {failed}"
    yield "audio", f"{clock(report.audio_s)} by {_counted(report.speakers, 'speaker')}"
    yield "records", f"{report.records_made} made now, {report.records_kept} kept from before"
    if report.records_made:
        yield "time", f"{clock(report.elapsed_s)}, {report.rtf:.1f}x real time"
    if not report.has_x_vectors:
        yield (
            "x-vectors",
            "none: this checkpoint has no speaker encoder; --speaker-encoder names a Base "
            "checkpoint that has",
        )


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
