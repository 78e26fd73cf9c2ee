"""`intone serve`: the models of this machine over HTTP; with `--stdin`, line by line.

`--mode` alone means line by line too: so the founding command line has it.
"""

from __future__ import annotations

import argparse

from intone.cli import modes, options
from intone.core.errors import InvalidSettingError, MissingDependencyError

END_WORD = "exit"
_HTTP = (
    *("host", "port", "config", "print_config", "insecure", "compat", "preload", "set", "wyoming"),
    "studio",
)


def add_parser(commands: options.Commands[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "serve",
        help="speak for applications over HTTP, or line by line",
        description="Serve the models of this machine over HTTP (docs/serve.md), or with --stdin "
        f"speak every line of standard input; {END_WORD!r} ends.",
    )
    _add_http(parser)
    options.add_model(parser, None, "HTTP: what requests get that name none")
    parser.set_defaults(device=None, dtype=None, save_dir=None)
    lines = parser.add_argument_group("line by line")
    lines.add_argument("--stdin", action="store_true", help="read lines from standard input")
    lines.add_argument(
        "--mode", choices=tuple(modes.DEFAULT_MODELS), help="kind of voice (default: custom)"
    )
    options.add_voice(parser)
    parser.add_argument("--instruct", help="how to say it (custom) or who speaks (design)")
    modes.add_reference(parser, is_required=False)
    options.add_reading(parser)
    options.add_delivery(parser)
    group = parser.add_argument_group("output")
    where = group.add_mutually_exclusive_group()
    where.add_argument(
        "--output-dir",
        metavar="DIR",
        default="outputs",
        help="for 0001.wav, 0002.wav, ... (default outputs)",
    )
    where.add_argument("--play", action="store_true", help="use the loudspeaker instead")
    options.add_format(group)
    options.add_stream(group)
    parser.set_defaults(run=run, defaults=vars(parser.parse_args([])))


def run(args: argparse.Namespace) -> int:
    """Serves until it is told to stop; returns the exit code."""
    if args.stdin or args.mode is not None:
        _refuse_others(args, _HTTP, "HTTP")
        from intone.cli import serve_lines

        args.device, args.dtype = args.device or "auto", args.dtype or "auto"
        return serve_lines.run(args)
    _refuse_others(args, tuple(args.defaults.keys() - set(_HTTP) - _SHARED), "--stdin")
    try:
        from intone.cli import serve_http
    except ModuleNotFoundError as error:
        package = (error.name or "intone").partition(".")[0]
        if package == "intone":
            raise
        raise MissingDependencyError(
            f"serving over HTTP needs {package}; install intone[server], or speak line by line "
            "with --stdin."
        ) from error
    return serve_http.run(args)


_SHARED = frozenset(
    {
        *("model", "device", "dtype", "profile", "eager", "threads", "memory_budget"),
        *("stdin", "mode"),
    }
)


def _add_http(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("HTTP")
    group.add_argument("--host", help="address to listen on (default: 127.0.0.1)")
    group.add_argument("--port", type=int, help="default: 8000, or 8888 with --compat 004")
    group.add_argument("--config", metavar="FILE", help="settings in TOML; also INTONE_CONFIG")
    group.add_argument(
        "--set",
        action="append",
        metavar="NAME=VALUE",
        help="any setting, such as queue.running=4; may be repeated",
    )
    group.add_argument(
        "--print-config",
        action="store_true",
        help="print the effective settings and where each came from, and stop",
    )
    group.add_argument(
        "--compat", choices=("004",), help="port and QWEN_ variables of founding document 004"
    )
    group.add_argument(
        "--preload", action="store_true", help="load the default model before saying ready"
    )
    group.add_argument(
        "--insecure", action="store_true", help="listen beyond this machine without keys"
    )
    group.add_argument(
        "--studio", action="store_true", help="serve the page for people too, at /studio"
    )
    group.add_argument(
        "--wyoming",
        nargs="?",
        type=int,
        const=-1,
        metavar="PORT",
        help="serve Home Assistant's protocol too (default port: 10200)",
    )


def _refuse_others(args: argparse.Namespace, names: tuple[str, ...], whose: str) -> None:
    """Raises InvalidSettingError for options that the chosen way of serving would not heed."""
    given = [name for name in sorted(names) if vars(args)[name] != args.defaults[name]]
    if given:
        flag = f"--{given[0].replace('_', '-')}"
        raise InvalidSettingError(
            f"{flag} belongs to serving by {whose}; leave it out, or see `intone serve --help`."
        )
