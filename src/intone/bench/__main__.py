"""`python -m intone.bench`: the same as `intone bench`."""

from __future__ import annotations

import argparse
import sys

from intone.bench.command import add_arguments, run
from intone.core.errors import IntoneError


def main() -> int:
    """Parses the arguments and measures; returns the exit code."""
    parser = argparse.ArgumentParser(prog="intone bench", description="Measure speed and memory.")
    add_arguments(parser)
    try:
        return run(parser.parse_args())
    except IntoneError as error:
        print(f"intone bench: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
