"""What is done with takes that are kept: drawn again, or removed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from intone.audio.durable import sync_directory
from intone.audio.writer import output_error
from intone.core.errors import RecordError
from intone.core.synthesizer import Synthesizer
from intone.core.types import VoiceClonePrompt
from intone.core.version import __version__
from intone.render.outputs import KeptTake, OutputFolder
from intone.render.recording import Cloner, KeptVoices, voice_again
from intone.render.redo import (
    Difference,
    check_can_be_redone,
    differences,
    draw_again,
    is_same_take,
    record_again,
)
from intone.render.sidecar import ModelRecord, TakeRecord, VoiceRecord, read_take_record
from intone.studio.takes.index import TakeFiles


class RedoModel(Synthesizer, Cloner, Protocol):
    """What draws a take again, and encodes its clip where it had one."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Redo:
    """A take that could be drawn again, and what has changed since it was made."""

    record: TakeRecord
    origin: str
    """Name of the record's file."""
    voice: str | VoiceClonePrompt | None
    now: VoiceRecord
    model: ModelRecord
    found: tuple[Difference, ...]

    @property
    def others(self) -> tuple[Difference, ...]:
        """Another voice or other weights: it would not be the same take."""
        return tuple(one for one in self.found if one.is_another)

    def draw(self, model: Synthesizer, folder: OutputFolder) -> Redone:
        """Draws and keeps it as a new take; raises as the model and the folder do."""
        audio = draw_again(self.record, model, self.voice)
        record = record_again(
            self.record,
            audio,
            model=self.model,
            voice=self.now,
            version=__version__,
            origin=self.origin,
        )
        return Redone(
            kept=folder.save(audio.samples, audio.sample_rate_hz, record),
            is_same=is_same_take(self.record, audio),
            found=self.found,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Redone:
    """A take that was drawn again."""

    kept: KeptTake
    is_same: bool
    """Whether the samples are equal, as a WAV file holds them."""
    found: tuple[Difference, ...]

    @property
    def words(self) -> str:
        """Says whether it is the same take, and what has changed."""
        since = "".join(f" Since then {one}." for one in self.found)
        name = self.kept.audio.name
        if self.is_same:
            return f"the same take, sample for sample: {name}.{since}"
        if not self.found:
            since = " Nothing that the record knows has changed; another machine rounds otherwise."
        return f"drawn again as {name}, and the samples are NOT the same.{since}"


def read_redo(directory: Path, files: TakeFiles) -> TakeRecord:
    """Returns the record of a take that can be drawn again.

    Raises:
        RecordError: it is missing or damaged, is about a whole script, or its voice was not kept.
    """
    if files.record is None:
        raise RecordError(f"{files.stem} has no record, so nobody knows how it was made.")
    record = read_take_record(directory / files.record)
    check_can_be_redone(record, files.record)
    return record


def model_here(recorded: str, names: Collection[str]) -> str:
    """Returns the name by which a record's model is known here.

    Records name a model that was trained, or given as a directory, by its path; here it has the
    name of that directory.
    """
    own = Path(recorded).name
    return own if recorded not in names and own in names else recorded


def plan_redo(
    record: TakeRecord,
    files: TakeFiles,
    *,
    cloner: Cloner,
    library: KeptVoices,
    model: ModelRecord,
) -> Redo:
    """Returns what would be drawn, and what has changed since; nothing is drawn.

    Args:
        model: that is here now, under the record's name.

    Raises:
        UnknownVoiceError, VoiceFileError, RecordError: the voice is gone, or damaged.
    """
    voice, now = voice_again(record.voice, cloner, library)
    return Redo(
        record=record,
        origin=f"{files.stem}.json",
        voice=voice,
        now=now,
        model=model,
        found=differences(record, model, now, __version__),
    )


def remove_take(directory: Path, files: TakeFiles) -> tuple[str, ...]:
    """Removes every file of a take, its segments' too, and returns their names.

    The record goes last: what a crash leaves is still known, and can be removed again.

    Raises:
        OutputError: the system refused; some files may be gone.
    """
    names = sorted(files.names, key=lambda name: name == files.record)
    for name in names:
        try:
            (directory / name).unlink(missing_ok=True)
        except OSError as error:
            raise output_error(str(directory / name), error) from error
    sync_directory(directory)
    return tuple(names)
