"""A set on a cluster: every worker has a model of its own, and all write one directory."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from intone.audio.files import AudioFormat
from intone.deploy.offline.here import HandsHere
from intone.deploy.offline.opening import SpeakerOpening, where
from intone.deploy.offline.output import SharedDirectory
from intone.deploy.offline.planned import Cast, PlannedRow
from intone.deploy.offline.run import Hands
from intone.deploy.offline.speaking import RowFailure, RowOutcome, RowSpeaker

if TYPE_CHECKING:
    from intone.deploy.offline.on_ray import RayCluster

_BLOCKS_PER_WORKER = 8
"""At least, so that workers end together."""
_MAX_ROWS = 256
"""Of a block. The last rows of one run in part of the slots: the longer it is, the less that
matters; and the less often is told how far the set is."""
_MAX_TRIES_ALONE = 2
"""Of a row that was alone in a worker when it died. Once may be chance: a machine went away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsOpening:
    """What a worker that speaks rows needs to know."""

    speaker: SpeakerOpening
    cast: Cast
    out: SharedDirectory
    format: AudioFormat

    def open(self) -> RowsWorker:
        """Returns a worker whose directory is the run's, and whose model is loaded.

        Raises:
            OutputError: this machine sees another directory.
            IntoneError: as `SpeakerOpening.open` does.
        """
        self.out.check(where())
        tts = self.speaker.open()
        speaker = RowSpeaker(tts, self.cast, self.out.directory, self.format, self.out.journal())
        hands = HandsHere(speaker, num_at_once=tts.load().plan.num_slots, stop=tts.close)
        return RowsWorker(self.out, speaker, hands)


class RowsWorker:
    """Speaks blocks of rows, in all slots at once."""

    def __init__(self, out: SharedDirectory, speaker: RowSpeaker, hands: Hands) -> None:
        """Takes the run's directory, what speaks one row, and what speaks many."""
        self._out = out
        self._tries = out.tries()
        self._speaker = speaker
        self._hands = hands

    def work(self, items: Sequence[PlannedRow]) -> list[RowOutcome]:
        """Returns what became of every row; what a worker before had finished is not made again.

        Raises:
            IntoneError: what would befall every row.
        """
        finished = self._out.finished(items)
        missing = [planned for planned in items if planned.row.id not in finished]
        is_again = self._tries.begin(f"block {items[0].row.id}") > 1
        made = self._one_by_one(missing) if is_again else self._at_once(missing)
        return [*(RowOutcome(id=id, take=take) for id, take in finished.items()), *made]

    def _at_once(self, rows: Sequence[PlannedRow]) -> list[RowOutcome]:
        with closing(self._hands.speak(rows)) as outcomes:
            return list(outcomes)

    def _one_by_one(self, rows: Sequence[PlannedRow]) -> list[RowOutcome]:
        """Speaks what another worker died of, so that a row which kills is found and left."""
        outcomes = []
        for planned in rows:
            if self._tries.begin(f"row {planned.row.id}") > _MAX_TRIES_ALONE:
                outcomes.append(_deadly(planned))
            else:
                outcomes.append(self._speaker.speak(planned))
        return outcomes


def _deadly(planned: PlannedRow) -> RowOutcome:
    row = planned.row
    reason = (
        f"a worker died each of the {_MAX_TRIES_ALONE} times that it spoke this row alone; see its "
        "log, or speak the row without a cluster."
    )
    failure = RowFailure(id=row.id, line=row.line, error="WorkerDied", reason=reason)
    return RowOutcome(id=row.id, failure=failure)


class HandsOnRay:
    """The workers of a cluster."""

    def __init__(self, cluster: RayCluster, opening: RowsOpening) -> None:
        """Takes the cluster, and what each worker shall know."""
        self._cluster = cluster
        self._opening = opening

    def speak(self, rows: Sequence[PlannedRow]) -> Generator[RowOutcome]:
        """Yields rows as their blocks are finished; see `run.Hands`."""
        share = -(-len(rows) // (_BLOCKS_PER_WORKER * self._cluster.num_workers))
        num_per_block = min(_MAX_ROWS, share)
        return self._cluster.map(self._opening, rows, num_per_block=num_per_block)
