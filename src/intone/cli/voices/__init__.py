"""`intone voices`: keep a voice, move it, never lose it. A module here adds some actions each."""

from __future__ import annotations

import argparse
from typing import Protocol

from intone.cli.options import Commands
from intone.cli.voices import add, check, clone, design, keep, listing, moving


class Actions(Protocol):
    """A module of this folder."""

    def add_parsers(self, actions: Commands[argparse.ArgumentParser]) -> None:
        """Adds the module's actions."""


def add_parser(commands: Commands[argparse.ArgumentParser]) -> None:
    """Adds the command and its actions."""
    parser = commands.add_parser(
        "voices",
        help="keep voices: list, clone, design, keep, move, check",
        description="Voices are kept as files, found by name wherever a --voice is taken, and "
        "travel. They are in INTONE_VOICES_DIR, else in ~/.local/share/intone/voices.",
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    modules: tuple[Actions, ...] = (listing, clone, design, keep, add, moving, check)
    for module in modules:
        module.add_parsers(actions)
