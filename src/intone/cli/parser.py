"""The command line, assembled from the commands' own parsers."""

from __future__ import annotations

import argparse

from intone.bench import command as bench
from intone.cli import (
    batch,
    book,
    doctor,
    keys,
    models,
    modes,
    redo,
    say,
    script,
    serve,
    studio,
    train,
    voices,
)
from intone.core.version import __version__


def build_parser() -> argparse.ArgumentParser:
    """Returns the parser; every command sets `run`, a function of the parsed arguments."""
    parser = argparse.ArgumentParser(
        prog="intone", description="The open Qwen3-TTS speech models, useful on any machine."
    )
    parser.add_argument("--version", action="version", version=f"intone {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    say.add_parser(commands)
    modes.add_parsers(commands)
    serve.add_parser(commands)
    studio.add_parser(commands)
    keys.add_parser(commands)
    voices.add_parser(commands)
    script.add_parser(commands)
    book.add_parser(commands)
    batch.add_parser(commands)
    redo.add_parser(commands)
    models.add_parser(commands)
    doctor.add_parser(commands)
    train.add_parser(commands)
    measuring = commands.add_parser("bench", help="measure speed and memory")
    bench.add_arguments(measuring)
    measuring.set_defaults(run=bench.run)
    return parser
