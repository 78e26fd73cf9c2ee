"""`intone script`: a script with tags and a cast, segment by segment, in voices that stay."""

from __future__ import annotations

import argparse

from intone.cli import options, server_choice
from intone.cli.exit_codes import EXIT_OK


def add_parser(commands: options.Commands[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "script",
        help="speak a script with moods, pauses and a cast",
        description="Speak a script: [Whispering] and other moods change how it is said and never "
        "who says it; [pause:1.5s], [voice:nora], [rate:1.1], [lang:fr], [say:GIF|jiff], [reset]. "
        "Every segment is compared with the person it should be, and kept as soon as it is made.",
    )
    parser.add_argument("file", metavar="FILE", help="the script, UTF-8 text")
    parser.add_argument(
        "--check", action="store_true", help="print what would be spoken, and load no model"
    )
    parser.add_argument("--play", action="store_true", help="hear segments as they are made")
    _add_people(parser)
    options.add_reading(parser)
    options.add_delivery(parser)
    _add_output(parser)
    options.add_model(parser, None, "default: one that speaks with the voices named")
    server_choice.add_server(parser)
    parser.set_defaults(run=run, stream=False, chunk_frames=None)


def _add_people(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("people")
    group.add_argument(
        "--identity",
        "--voice",
        dest="identity",
        metavar="NAME|WORDS",
        help="who speaks what nobody else does: a preset, a kept voice, or a description in three "
        "words or more, which is designed once and kept",
    )
    group.add_argument("--cast", metavar="FILE", help='JSON, {"Nora": "ava", ...}: reads dialogue')
    group.add_argument(
        "--identity-seed",
        type=int,
        default=0,
        metavar="N",
        help="another seed designs another person of the same words (default 0)",
    )
    group.add_argument("--base-model", metavar="ID|DIR", help="clones what is designed")
    group.add_argument(
        "--design-model", metavar="ID|DIR", default="1.7b-design", help="designs descriptions"
    )
    options.add_hearing(group, "segments")
    group.add_argument(
        "--mode",
        choices=("script", "say"),
        default="script",
        help="say: only known commands are tags, other brackets are read",
    )


def _add_output(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("output")
    group.add_argument(
        "-o", "--out", metavar="FILE", help="the whole: wav, flac, mp3, ogg or pcm by its ending"
    )
    options.add_format(group)
    group.add_argument(
        "--save-dir",
        metavar="DIR",
        default="outputs",
        help="keeps segments, whole and records (default outputs)",
    )
    group.add_argument("--no-save", action="store_true", help="keep nothing but --out")
    group.add_argument("--srt", action="store_true", help="write subtitles beside the whole")
    group.add_argument("--vtt", action="store_true", help="the same as WebVTT")
    group.add_argument("--plot", metavar="FILE.png", help="draw its spectrogram, with the segments")
    options.add_loudness(group)


def run(args: argparse.Namespace) -> int:
    """Speaks the script; everything that is wrong with it is told before a model is loaded."""
    from intone.cli.script.rendering import render
    from intone.cli.script.session import Session
    from intone.cli.script.showing import show_plan, show_spoken

    session = Session.of(args)
    if args.show_spoken:
        show_spoken(session.plan)
    elif args.check:
        show_plan(session.plan)
    else:
        render(args, session)
    return EXIT_OK
