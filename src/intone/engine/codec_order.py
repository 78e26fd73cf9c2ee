"""Whose turn it is in the codec: by the time at which a listener would run dry.

First come lines that were passed over as often as there are lines; then listeners about to run dry;
then takes of which nothing was heard yet; then the rest. With time to spare the first hardly ever
happens. In overload it gives every line audio within three times as many turns as there are lines:
those before it were passed over longer, and go behind it with their own audio.
"""

from __future__ import annotations

from collections.abc import Sequence

from intone.engine.codec_line import Line

DRY_MARGIN_S = 0.25
"""A listener who would run dry within this time goes before takes that nobody hears yet: time for
a few calls of the codec on a GPU, and for the network."""


def in_order(lines: Sequence[Line], now_s: float) -> list[Line]:
    """Returns lines that have work, in the order of their turns; oldest first where all is equal.

    Args:
        lines: the oldest take first.
    """

    def place(line: Line) -> tuple[int, float]:
        dry_at_s = line.runs_dry_at_s
        if line.num_passed >= len(lines) > 1:
            return 0, -line.num_passed
        if dry_at_s is None:
            return 2, 0.0
        return (1 if dry_at_s - now_s < DRY_MARGIN_S else 3), dry_at_s

    return sorted(lines, key=place)
