"""One row becomes one file: spoken, written whole, then told to the journal."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from intone.audio.durable import make_directory, sync_file
from intone.audio.files import AudioFormat, save
from intone.core.errors import CapacityError, EngineStoppedError, RequestError
from intone.core.synthesizer import Synthesizer
from intone.core.types import Audio
from intone.deploy.offline.journal import Journal, JournalLine, RowTake
from intone.deploy.offline.planned import Cast, PlannedRow
from intone.render.hashes import pcm16_sha256


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFailure:
    """Why a row has no take; one line of `failures.jsonl`."""

    id: str
    line: int
    error: str
    """The name of its class."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RowOutcome:
    """What became of a row: a take or a failure."""

    id: str
    take: RowTake | None = None
    failure: RowFailure | None = None


class RowSpeaker:
    """Makes rows with one synthesizer; threads may share it."""

    def __init__(
        self,
        synthesizer: Synthesizer,
        cast: Cast,
        directory: Path,
        format: AudioFormat,
        journal: Journal,
    ) -> None:
        """Takes what speaks, who the kept voices are, and where takes and their records go."""
        self._synthesizer = synthesizer
        self._cast = cast
        self._directory = directory
        self._format = format
        self._journal = journal

    def speak(self, planned: PlannedRow) -> RowOutcome:
        """Returns when the take of a row, and its record, are on the disk.

        A row that cannot be spoken is an outcome; what would befall every row is raised.

        Raises:
            EngineStoppedError, ModelError, OutputError
        """
        row = planned.row
        try:
            audio = self._synthesizer.synthesize(self._cast.request(row.request))
        except (RequestError, CapacityError) as error:
            failure = RowFailure(
                id=row.id, line=row.line, error=type(error).__name__, reason=str(error)
            )
            return RowOutcome(id=row.id, failure=failure)
        if audio.finish_reason == "cancelled":
            raise EngineStoppedError("the engine was stopped; start again to go on from here.")
        take = self._keep(planned, audio)
        self._journal.add([JournalLine(id=row.id, take=take)])
        return RowOutcome(id=row.id, take=take)

    def _keep(self, planned: PlannedRow, audio: Audio) -> RowTake:
        path = self._directory / planned.file
        make_directory(path.parent)
        save(path, audio.samples, audio.sample_rate_hz, self._format)
        sync_file(path)
        return RowTake(
            key=planned.key,
            file=planned.file,
            file_bytes=path.stat().st_size,
            sample_rate_hz=audio.sample_rate_hz,
            num_samples=len(audio.samples),
            pcm16_sha256=pcm16_sha256(audio.samples),
            seed=audio.seed,
            finish_reason=audio.finish_reason,
            num_draws=audio.num_draws,
            num_leaked_frames=audio.num_leaked_frames,
            wall_s=audio.timing.wall_s,
            maker=self._journal.maker,
        )
