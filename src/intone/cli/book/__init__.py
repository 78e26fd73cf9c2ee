"""`intone book`: a document becomes an audiobook, piece by piece, in one voice."""

from __future__ import annotations

import argparse

from intone.cli import clusters, options, server_choice
from intone.cli.exit_codes import EXIT_OK


def add_parser(commands: options.Commands[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    from intone.cli.modes import add_reference

    parser = commands.add_parser(
        "book",
        help="speak a long text, chapter by chapter",
        description="Speak a document (.txt, .md, .epub) into files per chapter or one file, with "
        "subtitles and a manifest. Every finished piece is kept at once: the same command goes on "
        "where a run was stopped, and draws nothing twice.",
    )
    parser.add_argument("file", metavar="FILE", help="a .txt, .md or .epub document")
    parser.add_argument(
        "--chapters", metavar="N-M", help="only these, such as 3, 2-4, 5- or 1,4-6 (see --check)"
    )
    parser.add_argument(
        "--check", action="store_true", help="list the chapters and expected times; load no model"
    )
    _add_people(parser)
    add_reference(parser, is_required=False)
    options.add_reading(parser)
    options.add_delivery(parser)
    _add_output(parser)
    clusters.add_ray(parser, "pieces")
    options.add_model(parser, None, "default: one that speaks with the voice")
    server_choice.add_server(parser)
    parser.set_defaults(run=run, stream=False, chunk_frames=None)


def _add_people(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("who speaks")
    group.add_argument(
        "--voice",
        "--speaker",
        dest="voice",
        metavar="NAME",
        help="a preset of the model, or a kept voice (default: the model's first preset)",
    )
    group.add_argument("--instruct", help="how to say it, in words (CustomVoice models)")
    options.add_hearing(group, "pieces")


def _add_output(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("output")
    group.add_argument(
        "-o", "--out", metavar="DIR", help="where files go (default: outputs/ and FILE's name)"
    )
    group.add_argument(
        "--format", choices=("wav", "flac", "mp3", "ogg"), default="wav", help="default: wav"
    )
    group.add_argument(
        "--one-file", action="store_true", help="one file instead of one per chapter"
    )
    group.add_argument(
        "--restart", action="store_true", help="throw away what is finished and begin anew"
    )
    options.add_loudness(group)


def run(args: argparse.Namespace) -> int:
    """Speaks the document; what is wrong with it is told before a model is loaded."""
    from intone.cli.book.session import Session
    from intone.cli.book.showing import show_chapters, show_spoken

    session = Session.of(args)
    if args.show_spoken:
        show_spoken(session)
    elif args.check:
        show_chapters(session)
    else:
        from intone.cli.book.making import make

        make(args, session)
    return EXIT_OK
