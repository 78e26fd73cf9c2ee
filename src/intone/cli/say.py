"""`intone say`: text in, speech out, with a preset voice."""

from __future__ import annotations

import argparse
import os
import sys

from intone.cli import options
from intone.cli.exit_codes import EXIT_OK
from intone.core.errors import ModelNotFoundError
from intone.models.hub import HubSettings, resolve

PREFERRED_MODELS = ("1.7b-custom", "0.6b-custom")
"""What `say` speaks with when it is not told and one of them was pulled."""


def add_parser(commands: options.Commands[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "say",
        help="speak a text with a preset voice",
        description="Speak a text with a preset voice, into a file, a pipe or the loudspeaker.",
    )
    parser.add_argument("text", nargs="?", metavar="TEXT", help="words; '-' reads standard input")
    options.add_text(parser)
    options.add_voice(parser)
    parser.add_argument("--instruct", help="how to say it, in words")
    options.add_delivery(parser)
    options.add_output(parser)
    options.add_model(parser, None, "default: a pulled CustomVoice model, else the built-in voice")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Speaks; returns the exit code."""
    from intone.cli.take import Output, speak_into

    text = options.read_text(args.text, args.file)
    output = Output.from_args(args)
    if args.model is None:
        args.model = default_model(HubSettings.from_env(os.environ))
    keywords = options.speak_options(args, voice=args.voice, instruct=args.instruct)
    with options.open_tts(args) as tts, output.open() as writer:
        last = speak_into(writer, tts, text, keywords)
    output.report(last)
    return EXIT_OK


def default_model(settings: HubSettings) -> str | None:
    """Returns the best preset model that was pulled, or None for the built-in voice; says which."""
    for alias in PREFERRED_MODELS:
        try:
            resolve(alias, settings)
        except ModelNotFoundError:
            continue
        return alias
    print(
        "intone: speaking with the small built-in voice; for nine voices in ten languages: "
        "intone models pull 0.6b-custom",
        file=sys.stderr,
    )
    return None
