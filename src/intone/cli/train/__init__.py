"""`intone train`: one sub-command per stage, each a module of this folder."""

from __future__ import annotations

import argparse
from typing import Protocol

from intone.cli.options import Commands
from intone.cli.train import check, encode, evaluate, export, run, segment


class Stage(Protocol):
    """A module of this folder."""

    def add_parser(self, stages: Commands[argparse.ArgumentParser]) -> None:
        """Adds the stage's sub-command."""


def add_parser(commands: Commands[argparse.ArgumentParser]) -> None:
    """Adds the command and its stages, in the order in which they are used."""
    parser = commands.add_parser("train", help="make a voice one's own: check, encode, run, export")
    stages = parser.add_subparsers(dest="stage", metavar="STAGE", required=True)
    modules: tuple[Stage, ...] = (segment, check, encode, run, evaluate, export)
    for module in modules:
        module.add_parser(stages)
