"""`intone keys`: who may use this machine's server over the network."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from intone.cli.exit_codes import EXIT_OK
from intone.cli.options import Commands
from intone.core.errors import MissingDependencyError

if TYPE_CHECKING:
    from intone.server.keys import KeyFile, StoredKey


def add_parser(commands: Commands[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "keys",
        help="keys of `intone serve`: add, list, revoke",
        description="Keys of `intone serve`. As soon as there is one, every request needs one.",
    )
    parts = parser.add_subparsers(dest="keys_command", metavar="COMMAND", required=True)
    add = parts.add_parser("add", help="make a key; its token is printed once, and kept nowhere")
    add.add_argument("name", help="whose it is: letters, digits, dots, hyphens, underscores")
    add.add_argument(
        "--requests-per-minute", type=float, metavar="N", help="more get 429 with Retry-After"
    )
    add.add_argument(
        "--concurrent", type=int, metavar="N", help="requests at once, running and waiting"
    )
    listing = parts.add_parser("list", help="show the keys; tokens are not known")
    revoke = parts.add_parser("revoke", help="remove a key; a running server obeys at once")
    revoke.add_argument("name")
    for part, run in ((add, run_add), (listing, run_list), (revoke, run_revoke)):
        part.add_argument("--keys-file", metavar="FILE", help="default: as the server's setting")
        part.set_defaults(run=run)


def run_add(args: argparse.Namespace) -> int:
    """Prints the token of a new key, alone on standard output; returns the exit code."""
    from intone.cli.telling import tell
    from intone.server.admission import KeyLimits

    limits = KeyLimits(requests_per_minute=args.requests_per_minute, max_concurrent=args.concurrent)
    file = _key_file(args)
    print(file.add(args.name, limits))
    tell(f"this is the only time it is shown; {file.path} keeps a hash of it.")
    return EXIT_OK


def run_list(args: argparse.Namespace) -> int:
    """Prints a line per key; returns the exit code."""
    from intone.cli.table import print_table
    from intone.cli.telling import tell

    entries = _key_file(args).entries()
    if not entries:
        tell("there are no keys; make one: intone keys add NAME.")
        return EXIT_OK
    print_table([("name", "made", "requests/minute", "at once"), *map(_row, entries)])
    return EXIT_OK


def run_revoke(args: argparse.Namespace) -> int:
    """Removes a key; returns the exit code."""
    from intone.cli.telling import tell

    _key_file(args).revoke(args.name)
    tell(f"key {args.name!r} opens nothing any more.")
    return EXIT_OK


def _key_file(args: argparse.Namespace) -> KeyFile:
    try:
        from intone.server.keys import KEYS_VARIABLE, KeyFile, default_key_file
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            f"keys need {error.name}; install intone[server], which serves with them."
        ) from error
    chosen = args.keys_file or os.environ.get(KEYS_VARIABLE)
    return KeyFile(Path(chosen).expanduser()) if chosen else default_key_file(os.environ)


def _row(key: StoredKey) -> tuple[str, str, str, str]:
    rate, at_once = key.requests_per_minute, key.max_concurrent
    return (
        key.name,
        key.created,
        "no limit" if rate is None else f"{rate:g}",
        "no limit" if at_once is None else str(at_once),
    )
