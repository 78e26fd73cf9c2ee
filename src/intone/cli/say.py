"""`intone say`: text in, speech out, with a preset voice."""

from __future__ import annotations

import argparse
import os

from intone.cli import options, server_choice
from intone.cli.exit_codes import EXIT_OK


def add_parser(commands: options.Commands[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "say",
        help="speak a text with a preset or kept voice",
        description="Speak a text, into a file, a pipe or the loudspeaker.",
    )
    parser.add_argument("text", nargs="?", metavar="TEXT", help="words; '-' reads standard input")
    options.add_text(parser)
    options.add_voice(parser)
    parser.add_argument("--instruct", help="how to say it, in words")
    options.add_reading(parser)
    options.add_delivery(parser)
    options.add_output(parser)
    options.add_model(parser, None, "default: a pulled CustomVoice model, else the built-in voice")
    server_choice.add_server(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Speaks; returns the exit code."""
    from intone.cli.model_choice import chosen_model
    from intone.cli.reading import Reading
    from intone.cli.take import Output, Speaker

    reading = Reading.of(options.read_text(args.text, args.file), args)
    output = Output.from_args(args, reading.num_takes)
    if args.server is None:
        args.model = chosen_model(args.model, args.voice, os.environ)
    with server_choice.open_speaker(args) as tts:
        reading = reading.said_by(tts)
        if args.show_spoken:
            reading.show()
            return EXIT_OK
        pieces = reading.pieces(args, voice=args.voice, instruct=args.instruct)
        speaker = Speaker(tts=tts, model=args.model, mode="say")
        speaker.say(pieces, reading.texts, output, seed=reading.seed)
    return EXIT_OK
