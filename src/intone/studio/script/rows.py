"""A row of a script: a segment in its place, and every take that was ever drawn for it.

Takes of other words or of another person than the row has now are out of sight, and come back when
the words do.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from intone.core.types import FinishReason
from intone.render.identity import Identity
from intone.render.plan import SegmentPlan
from intone.text.script import Position, Segment

RowState = Literal["planned", "waiting", "drawing", "done", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """One draw of a row that is on the disk."""

    name: str
    """Of its files, without their endings."""
    number: int
    """From 1, in the order in which the row was drawn."""
    key: str
    """What was spoken, by whom and how; see `PlannedRow`."""
    asked_seed: int
    seed: int
    """Of the draw that was kept: another one where the first was not the person."""
    duration_s: float
    similarity: float | None
    finish_reason: FinishReason
    num_draws: int
    """Those that were thrown away included."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlannedRow:
    """A segment of the script as it is planned now."""

    segment: Segment
    plan: SegmentPlan
    identity: Identity
    """Who speaks it."""
    key: str
    """The same for two plans that differ in their seeds alone."""
    silence_before_s: float = 0.0
    """That tags ask for."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Row:
    """A segment in its place, and what was drawn of it."""

    number: int
    """From 0, in the order in which rows came to be; it stays, and its seed follows from it."""
    planned: PlannedRow
    takes: tuple[Take, ...] = ()
    """All of them, of older words too."""
    chosen: str | None = None
    """Name of the take that is heard; None is the newest."""
    pinned_seed: int | None = None
    is_wanted: bool = False
    """It waits to be drawn."""
    problem: str | None = None
    """Why it could not be drawn the last time."""

    @property
    def id(self) -> str:
        return str(self.number)

    @property
    def current_takes(self) -> tuple[Take, ...]:
        """Those of the words that it has now, the oldest first."""
        return tuple(take for take in self.takes if take.key == self.planned.key)

    @property
    def take(self) -> Take | None:
        """The one that is heard."""
        takes = self.current_takes
        chosen = next((take for take in takes if take.name == self.chosen), None)
        return chosen or (takes[-1] if takes else None)

    def placed(self, position: Position) -> Row:
        """Returns the row at another place in the script's text."""
        planned = self.planned
        segment = replace(planned.segment, position=position)
        plan = replace(planned.plan, position=position, segment=segment)
        return replace(self, planned=replace(planned, segment=segment, plan=plan))

    def drawn(self, take: Take) -> Row:
        """Returns the row with one more take; it is heard, unless the words changed meanwhile."""
        is_current = take.key == self.planned.key
        chosen = take.name if is_current else self.chosen
        return replace(self, takes=(*self.takes, take), chosen=chosen, problem=None)

    def state(self, drawing: str | None) -> RowState:
        """Returns how it stands; `drawing` is the row that is drawn now."""
        if self.id == drawing:
            return "drawing"
        if self.is_wanted:
            return "waiting"
        if self.problem is not None:
            return "failed"
        return "planned" if self.take is None else "done"
