"""What a command remarks, out of the way of its results."""

from __future__ import annotations

import sys


def tell(note: str) -> None:
    """Prints a remark on standard error."""
    print(f"intone: {note}", file=sys.stderr, flush=True)
