"""`intone studio`: the page, on this machine, one model in memory at a time."""

from __future__ import annotations

import argparse
import os
import socket
import sys
import threading
import time
import webbrowser
from pathlib import Path

from intone.cli import options, server_choice
from intone.cli.exit_codes import EXIT_OK
from intone.core.errors import MissingDependencyError

PORT = 7_860
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_HOSTS_HERE = ("127.0.0.1", "localhost", "[::1]")
_OPEN_WITHIN_S = 60.0


def add_parser(commands: options.Commands[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "studio",
        help="a page to speak, design, clone, write scripts and train",
        description="Open the studio on this machine (docs/studio.md). No model is loaded before "
        "something is spoken, and one at a time is kept in memory.",
    )
    group = parser.add_argument_group("page")
    group.add_argument("--host", help="address to listen on (default: 127.0.0.1)")
    group.add_argument("--port", type=int, help=f"default: {PORT}")
    group.add_argument("--open", action="store_true", help="open it in the browser")
    group.add_argument(
        "--save-dir",
        metavar="DIR",
        help="keeps what is spoken (default: intone/takes in the user's data folder)",
    )
    group.add_argument("--config", metavar="FILE", help="settings in TOML; also INTONE_CONFIG")
    group.add_argument(
        "--set",
        action="append",
        metavar="NAME=VALUE",
        help="any setting of `intone serve`; may be repeated",
    )
    group.add_argument(
        "--print-config",
        action="store_true",
        help="print the effective settings and where each came from, and stop",
    )
    group.add_argument(
        "--insecure", action="store_true", help="listen beyond this machine without keys"
    )
    options.add_model(parser, None, "what speaks where nothing else is chosen")
    server_choice.add_server(parser)
    parser.set_defaults(run=run, device=None, dtype=None)
    parser.set_defaults(compat=None, preload=False, wyoming=None, studio=True)


def run(args: argparse.Namespace) -> int:
    """Serves the page until Ctrl-C; returns the exit code."""
    server_choice.check_alone(args)
    try:
        from intone.cli import serve_http
        from intone.deploy.state_directory import state_directory
        from intone.server.settings_layers import Layer
    except ModuleNotFoundError as error:
        package = (error.name or "intone").partition(".")[0]
        if package == "intone":
            raise
        raise MissingDependencyError(
            f"the studio needs {package}; install intone[studio]."
        ) from error
    state = state_directory(os.environ)
    state = state_directory(os.environ)
    defaults = Layer("intone studio", _defaults(state, is_home=True))
    if serve_http.effective_settings(args, defaults).settings.server.host not in _LOOPBACK:
        defaults = Layer("intone studio", _defaults(state, is_home=False))
    if args.print_config:
        return serve_http.run(args, defaults)
    server = serve_http.effective_settings(args, defaults).settings.server
    address = f"http://{server.host}:{server.port}/studio"
    print(f"Intone studio: {address}  (Ctrl-C ends it)", file=sys.stderr, flush=True)
    if args.open:
        there = (server.host, server.port)
        threading.Thread(target=open_when_there, args=(there, address), daemon=True).start()
    serve_http.run(args, defaults)
    return EXIT_OK


def open_when_there(there: tuple[str, int], address: str) -> None:
    """Opens an address in the browser as soon as somebody listens; gives up after a minute.

    Args:
        there: host and port.
    """
    end_s = time.monotonic() + _OPEN_WITHIN_S
    while time.monotonic() < end_s:
        try:
            socket.create_connection(there, timeout=1.0).close()
        except OSError:
            time.sleep(0.1)
        else:
            webbrowser.open(address)
            return


def _defaults(state: Path, *, is_home: bool) -> dict[str, dict[str, object]]:
    """Returns the settings that differ from those of `intone serve`.

    Args:
        state: where its jobs are; in a folder of their own, for a server may run beside it.
        is_home: it listens on this machine alone. Then it answers to this machine's names alone (a
            page elsewhere whose name is made to mean this machine must not come in), and it may
            train, which lets whoever is at the page name folders of the machine.
    """
    return {
        # Closing it is quick: what runs is kept as far as it is, and jobs go on at the next start.
        "server": {
            "port": PORT,
            "log_level": "warning",
            "drain_timeout_s": 2.0,
            "allowed_hosts": _HOSTS_HERE if is_home else (),
        },
        "model": {"max_loaded": 1},
        "jobs": {"directory": str(state / "studio-jobs"), "keep_days": 90.0},
        "studio": {"enabled": True, "training": is_home},
    }
