"""The commands: they parse, build, inject, and print. Nothing imports this room.

`main` is the process's border: every error leaves it as one line and an exit code. Commands import
what they need when they run, so that `intone --help` stays quick.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

from intone.cli.exit_codes import (
    EXIT_INTERNAL,
    EXIT_INTERRUPTED,
    EXIT_TERMINATED,
    EXIT_UNREAD,
    exit_code,
)
from intone.core.errors import IntoneError


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code (the table is in `docs/cli.md`).

    Args:
        argv: arguments without the program's name; None takes those of the process.

    Raises:
        SystemExit: from the argument parser, for `--help`, `--version` and a wrong command line.
    """
    from intone.cli.parser import build_parser
    from intone.cli.progress import log_lines

    if argv is None:
        signal.signal(signal.SIGTERM, _terminate)
    args = build_parser().parse_args(argv)
    try:
        with log_lines():
            code = int(args.run(args))
        sys.stdout.flush()  # where a pipe that nobody reads any more is still ours to tell
        return code
    except BrokenPipeError:  # `intone voices list | head -1`: the reader had enough
        _drop_stdout()
        return EXIT_UNREAD
    except KeyboardInterrupt:
        return _report("stopped; nothing half-written is left.", EXIT_INTERRUPTED)
    except IntoneError as error:
        if _is_debugging():
            raise
        if isinstance(error.__cause__, BrokenPipeError):
            _drop_stdout()
        return _report(str(error), exit_code(error))
    except Exception as error:
        if _is_debugging():
            raise
        return _report(
            f"internal error: {type(error).__name__}: {error}. This is a bug; "
            "INTONE_DEBUG=1 shows the trace.",
            EXIT_INTERNAL,
        )


def _report(message: str, code: int) -> int:
    print(f"intone: {' '.join(message.split())}", file=sys.stderr)
    return code


def _is_debugging() -> bool:
    return os.environ.get("INTONE_DEBUG", "") not in ("", "0")


def _terminate(signum: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(EXIT_TERMINATED)  # unwinds, so that a half-written file is removed


def _drop_stdout() -> None:
    """Keeps the interpreter from flushing into a pipe that nobody reads, and complaining."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
