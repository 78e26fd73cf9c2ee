"""What a built directory is called and holds: what the building process and its readers agree on.

Imports nothing heavy: whoever only reads built graphs spares the builder's libraries.
"""

from __future__ import annotations

from typing import Literal, get_args

from intone.core.errors import InvalidSettingError

Precision = Literal["fp32", "int8", "int4"]

HISTORIES = "histories.json"
"""Shapes [steps, channels] of the codec's histories, in the graph's order."""

EXIT_CHECKPOINT, EXIT_OUTPUT = 3, 4
"""How the building process says whose fault it is; the reason is then its standard output."""


def precision_of(name: str) -> Precision:
    """Returns the precision of that name; raises InvalidSettingError."""
    allowed: tuple[Precision, ...] = get_args(Precision)
    for precision in allowed:
        if precision == name:
            return precision
    raise InvalidSettingError(f"graphs are built in {', '.join(allowed)}, not in {name!r}.")
