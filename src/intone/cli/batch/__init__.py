"""`intone batch`: every row of a file becomes a file of its own, here or on a cluster."""

from __future__ import annotations

import argparse

from intone.cli import clusters, options, server_choice
from intone.cli.exit_codes import EXIT_OK

DEFAULT_SEED = 0
"""What the seeds of rows follow from: the same in every run, so that a rerun is the same audio."""


def add_parser(commands: options.Commands[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "batch",
        help="speak every row of a JSONL file",
        description="Speak a set: one JSON object a line with text, and id, voice, instruct, "
        "language, seed, speed, sampling where a row has its own. Every take is kept at once: the "
        "same command goes on where a run was stopped, and redoes what has changed.",
    )
    parser.add_argument("file", metavar="FILE", help="a .jsonl file, one JSON object a line")
    parser.add_argument(
        "--check", action="store_true", help="read and check all rows; load no model"
    )
    options.add_voice(parser)
    parser.add_argument("--instruct", help="how to say it, or who speaks (VoiceDesign models)")
    options.add_reading(parser)
    options.add_delivery(
        parser, f"what the seeds of rows without one follow from (default: {DEFAULT_SEED})"
    )
    _add_output(parser)
    clusters.add_ray(parser, "rows")
    options.add_model(parser, None, "default: one that speaks with the voice")
    server_choice.add_server(parser)
    parser.set_defaults(run=run, stream=False, chunk_frames=None)


def _add_output(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("output")
    group.add_argument(
        "-o",
        "--out",
        metavar="DIR",
        help="where takes, manifest.jsonl and failures.jsonl go (default: outputs/ and FILE's "
        "name); with several machines a disk that all of them mount",
    )
    group.add_argument(
        "--format", choices=("wav", "flac", "mp3", "ogg"), default="wav", help="default: wav"
    )
    group.add_argument(
        "--limit-failures",
        type=int,
        metavar="N",
        help="stop when more than N rows have failed (default: try them all)",
    )
    group.add_argument(
        "--slots",
        type=int,
        metavar="N",
        help="rows that one model speaks at once (default: 8; on a GPU as --profile says)",
    )


def run(args: argparse.Namespace) -> int:
    """Speaks the rows; what is wrong with them is told before a model is loaded."""
    from intone.cli.batch.session import Session
    from intone.cli.batch.showing import show_rows, show_spoken

    session = Session.of(args)
    if args.show_spoken:
        show_spoken(session)
    elif args.check:
        show_rows(session)
    else:
        from intone.cli.batch.making import make

        make(args, session)
    return EXIT_OK
