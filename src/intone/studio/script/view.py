"""What the page shows of a script, at one moment."""

from __future__ import annotations

from dataclasses import dataclass

from intone.studio.script.planning import PlannedScript
from intone.studio.script.project import Project
from intone.studio.script.sheet import Sheet
from intone.studio.script.whole import Whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What is being drawn; from the first row that was wanted until none is."""

    began_s: float
    """By `monotonic`."""
    doing: str
    """In words: "loading 1.7b-base" for example; empty while a row is drawn."""
    row_id: str | None = None
    """That is drawn now."""
    again: int = 0
    """How often its take was thrown away."""
    num_done: int = 0
    expected_done_s: float = 0.0
    """Of speech, over the rows that are done."""
    is_stopping: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class View:
    """All that the page shows, at one moment."""

    version: int
    sheet: Sheet | None
    project: Project
    planned: PlannedScript | None
    run: Run | None
    problem: str | None
    """Why the last run ended before its time."""
    remarks: tuple[str, ...]
    """What was done, or is to be known, where no row shows it."""
    whole: Whole | None
    whole_problem: str | None
    loudness_lufs: float | None

    @property
    def num_waiting(self) -> int:
        """Rows that are still to be drawn, the present one included."""
        current = 0 if self.run is None or self.run.row_id is None else 1
        return current + sum(row.is_wanted for row in self.project.rows)

    def left_s(self, now_s: float) -> float | None:
        """Returns how long the rest will probably take; None before the first row is done."""
        run = self.run
        if run is None or run.expected_done_s <= 0:
            return None
        waiting = [row for row in self.project.rows if row.is_wanted or row.id == run.row_id]
        rest_s = sum(row.planned.plan.expected_s for row in waiting)
        return (now_s - run.began_s) * rest_s / run.expected_done_s
