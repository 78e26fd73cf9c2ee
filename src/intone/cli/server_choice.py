"""`--server`: the same commands with a model of a server instead of one of this machine."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from intone.cli import options
from intone.core.errors import InvalidSettingError, UnsupportedModeError

if TYPE_CHECKING:
    from intone.core.types import ModelKind
    from intone.remote import RemoteTTS
    from intone.tts import TTS

KEY_VARIABLE = "INTONE_API_KEY"

_OF_THIS_MACHINE: Mapping[str, tuple[object, ...]] = {
    "device": ("auto", None),
    "dtype": ("auto", None),
    "threads": (None,),
    "memory_budget": (None,),
    "profile": (None,),
    "eager": (False,),
}
"""Options that say how a model runs here, and what they are when nobody gave them."""


def add_server(parser: argparse.ArgumentParser) -> None:
    """Adds which server speaks, if any."""
    group = parser.add_argument_group("server")
    group.add_argument(
        "--server",
        metavar="URL",
        help="speak with this server (intone serve, vLLM-Omni, SGLang-Omni, OpenAI's API); voices "
        "and --model are then its own",
    )
    group.add_argument(
        "--api-key",
        metavar="KEY",
        help=f"of the server; better in {KEY_VARIABLE}, unseen by others",
    )


def open_speaker(args: argparse.Namespace, *, kind: ModelKind | None = None) -> TTS | RemoteTTS:
    """Returns what speaks: the server that was named, else the model that the options name.

    Args:
        kind: that a server's model must be of, where none was named.

    Raises:
        InvalidSettingError: an option of this machine beside a server, or a key without one.
        RemoteError: the server had to be asked for its models, and does not answer.
    """
    check_alone(args)
    return options.open_tts(args) if args.server is None else _remote(args, kind)


def check_alone(args: argparse.Namespace) -> None:
    """Raises InvalidSettingError where an option of this machine stands beside a server."""
    if args.server is None:
        if args.api_key is not None:
            raise InvalidSettingError("--api-key belongs to --server URL; give both, or neither.")
        return
    for name, unset in _OF_THIS_MACHINE.items():
        given = vars(args)[name]
        if given not in unset:
            raise InvalidSettingError(
                f"--{name.replace('_', '-')} {given} says how a model runs on this machine, and "
                f"--server {args.server} speaks; leave one of them out."
            )


def _remote(args: argparse.Namespace, kind: ModelKind | None) -> RemoteTTS:
    from intone.remote import RemoteTTS

    key = args.api_key or os.environ.get(KEY_VARIABLE)
    remote = RemoteTTS(args.server, api_key=key, model=args.model)
    if kind is None or args.model is not None:
        return remote
    with remote:
        name = remote.load().first_of_kind(kind)
    if name is None:
        raise UnsupportedModeError(
            f"{args.server} lists no model of the kind {kind}; name one that it has with --model."
        )
    return RemoteTTS(args.server, api_key=key, model=name)
