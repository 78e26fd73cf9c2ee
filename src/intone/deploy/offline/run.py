"""One run over a set: what is missing is handed out, every row comes back once, then it closes."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from time import perf_counter
from typing import Protocol

from intone.core.errors import BatchError
from intone.deploy.offline.journal import RowTake
from intone.deploy.offline.output import FAILURES, ManifestLine, SetDirectory
from intone.deploy.offline.planned import PlannedRow, SpeakerModel
from intone.deploy.offline.speaking import RowFailure, RowOutcome


class Hands(Protocol):
    """Whoever makes rows."""

    def speak(self, rows: Sequence[PlannedRow]) -> Generator[RowOutcome]:
        """Yields what became of every row, in any order; closing it stops the work.

        Raises:
            IntoneError: what would befall every row.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """How far a run is, after one more row."""

    num_done: int
    """With those of earlier runs."""
    num_failed: int
    num_rows: int
    remaining_s: float | None


class SetRun:
    """Makes what a directory does not hold yet."""

    def __init__(
        self,
        rows: Sequence[PlannedRow],
        out: SetDirectory,
        model: SpeakerModel,
        *,
        limit_failures: int | None = None,
        clock: Callable[[], float] = perf_counter,
    ) -> None:
        """Takes all rows of the set, where they go and what speaks.

        Args:
            limit_failures: a run with more failed rows is stopped; None never stops.
        """
        self._rows = rows
        self._out = out
        self._model = model
        self._limit_failures = limit_failures
        self._clock = clock
        self._takes = dict(out.finished(rows))
        self._failures: dict[str, RowFailure] = {}
        self.num_before = len(self._takes)
        self.missing = tuple(row for row in rows if row.row.id not in self._takes)

    @property
    def takes(self) -> tuple[RowTake, ...]:
        """Those that are finished, in the order of the file."""
        found = (self._takes.get(planned.row.id) for planned in self._rows)
        return tuple(take for take in found if take is not None)

    @property
    def made(self) -> tuple[RowTake, ...]:
        """Those of this run, in the order of the file."""
        found = (self._takes.get(planned.row.id) for planned in self.missing)
        return tuple(take for take in found if take is not None)

    @property
    def failures(self) -> tuple[RowFailure, ...]:
        return tuple(self._failures.values())

    def speak(self, hands: Hands) -> Iterator[Step]:
        """Makes what is missing, tells of every row, and closes.

        However it ends, failures are written; the manifest only when every row was tried.

        Raises:
            BatchError: too many rows failed, or rows were lost on the way.
            IntoneError: what would befall every row. What is finished stays.
        """
        self._out.begin(self.missing)
        try:
            yield from self._speak(hands)
        finally:
            self._out.write_failures(self.failures)
        self.close()

    def close(self) -> None:
        """Writes manifest and failures of what there is; raises OutputError."""
        self._out.write_failures(self.failures)
        lines = (
            ManifestLine.of(planned, self._takes[planned.row.id], self._model)
            for planned in self._rows
            if planned.row.id in self._takes
        )
        self._out.write_manifest(lines)

    def _speak(self, hands: Hands) -> Iterator[Step]:
        started = self._clock()
        waiting = {planned.row.id for planned in self.missing}
        with closing(hands.speak(self.missing)) as outcomes:
            for outcome in outcomes:
                if outcome.id not in waiting:
                    continue  # two workers made it, one of them thought to be dead: one file
                waiting.remove(outcome.id)
                self._take(outcome)
                num_left = len(waiting)
                num_made = len(self.missing) - num_left
                yield Step(
                    num_done=len(self._takes),
                    num_failed=len(self._failures),
                    num_rows=len(self._rows),
                    remaining_s=(self._clock() - started) * num_left / num_made,
                )
                self._check_limit()
        if waiting:
            raise BatchError(
                f"{len(waiting)} rows did not come back from those who speak, {min(waiting)!r:.80} "
                "among them; run the same command again."
            )

    def _take(self, outcome: RowOutcome) -> None:
        if outcome.take is not None:
            self._takes[outcome.id] = outcome.take
        if outcome.failure is not None:
            self._failures[outcome.id] = outcome.failure

    def _check_limit(self) -> None:
        limit, num_failed = self._limit_failures, len(self._failures)
        if limit is not None and num_failed > limit:
            raise BatchError(
                f"stopped after {num_failed} failed rows (--limit-failures {limit}); the reasons "
                f"are in {self._out.directory / FAILURES}. What is finished is kept."
            )
