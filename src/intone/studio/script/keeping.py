"""A project as a file beside its takes, so that rows are there again after a restart.

One file for each browser tab, in a hidden folder; plans are not in it: they follow from the text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from intone.audio.durable import atomic_write_text, make_directory
from intone.core.errors import InvalidSettingError, RecordError
from intone.render.json_records import parse_object, record_from, to_json
from intone.render.outputs import OutputFolder
from intone.render.sidecar import check_schema
from intone.studio.script.project import Project
from intone.studio.script.rows import PlannedRow, Row, Take
from intone.studio.script.sheet import Sheet
from intone.studio.script.view import View
from intone.text.script import Position, Script, Segment, Silence

FOLDER = ".studio-scripts"
SCHEMA = 1

_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
_NOWHERE = Position(1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRole:
    """One line of the cast."""

    speaker: str
    voice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRow:
    """A row without its plan."""

    number: int
    segment: Segment
    silence_before_s: float
    takes: tuple[Take, ...]
    chosen: str | None
    pinned_seed: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptScript:
    """Sheet and project."""

    schema: int
    text: str
    identity: str | None
    is_dialogue: bool
    cast: tuple[KeptRole, ...]
    language: str
    sheet_seed: int | None
    seed: int
    end_silence_s: float
    next_number: int
    stem: str | None
    loudness_lufs: float | None
    rows: tuple[KeptRow, ...]

    @property
    def sheet(self) -> Sheet:
        return Sheet(
            text=self.text,
            identity=self.identity,
            is_dialogue=self.is_dialogue,
            cast={role.speaker: role.voice for role in self.cast},
            language=self.language,
            seed=self.sheet_seed,
        )

    @property
    def script(self) -> Script:
        """What the rows say; each of its segments is one."""
        pieces: list[Segment | Silence] = []
        for row in self.rows:
            if row.silence_before_s > 0:
                pieces.append(Silence(duration_s=row.silence_before_s, position=_NOWHERE))
            pieces.append(row.segment)
        if self.end_silence_s > 0:
            pieces.append(Silence(duration_s=self.end_silence_s, position=_NOWHERE))
        return Script(tuple(pieces))

    def project(self, planned: Sequence[PlannedRow]) -> Project:
        """Returns the project again.

        Args:
            planned: the segments of `script` as they are planned now.
        """
        rows = tuple(
            Row(
                number=row.number,
                planned=one,
                takes=row.takes,
                chosen=row.chosen,
                pinned_seed=row.pinned_seed,
            )
            for row, one in zip(self.rows, planned, strict=True)
        )
        return Project(
            seed=self.seed,
            source=self.text,
            is_dialogue=self.is_dialogue,
            rows=rows,
            end_silence_s=self.end_silence_s,
            next_number=self.next_number,
            stem=self.stem,
        )


def keep(view: View, folder: OutputFolder, project_id: str) -> None:
    """Writes down how a script stands; one without a sheet is none yet. Raises OutputError."""
    sheet, project = view.sheet, view.project
    if sheet is None:
        return
    kept = KeptScript(
        schema=SCHEMA,
        text=project.source,
        identity=sheet.identity,
        is_dialogue=project.is_dialogue,
        cast=tuple(KeptRole(speaker=name, voice=voice) for name, voice in sheet.cast.items()),
        language=sheet.language,
        sheet_seed=sheet.seed,
        seed=project.seed,
        end_silence_s=project.end_silence_s,
        next_number=project.next_number,
        stem=project.stem,
        loudness_lufs=view.loudness_lufs,
        rows=tuple(_kept_row(row) for row in project.rows),
    )
    path = _path(folder, project_id)
    make_directory(path.parent)
    atomic_write_text(path, to_json(kept))


def read(folder: OutputFolder, project_id: str) -> KeptScript | None:
    """Returns what was kept of a script; None where nothing was.

    Takes whose files are gone are left out.

    Raises:
        RecordError: the file is damaged, or of another version.
    """
    path = _path(folder, project_id)
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RecordError(f"{path.name} cannot be read: {error.strerror}.") from error
    data = parse_object(text, path.name)
    check_schema(data.get("schema"), SCHEMA, path.name)
    kept = record_from(KeptScript, data, path.name)
    return replace(kept, rows=tuple(_with_files(row, folder) for row in kept.rows))


def checked_id(project_id: str | None) -> str:
    """Returns an id that the page made; raises InvalidSettingError for what it would not make."""
    if project_id is None or not _ID.fullmatch(project_id):
        raise InvalidSettingError(
            "the page is not ready yet; press again in a moment, or reload it."
        )
    return project_id


def _path(folder: OutputFolder, project_id: str) -> Path:
    return folder.directory / FOLDER / f"{checked_id(project_id)}.json"


def _kept_row(row: Row) -> KeptRow:
    return KeptRow(
        number=row.number,
        segment=row.planned.segment,
        silence_before_s=row.planned.silence_before_s,
        takes=row.takes,
        chosen=row.chosen,
        pinned_seed=row.pinned_seed,
    )


def _with_files(row: KeptRow, folder: OutputFolder) -> KeptRow:
    there = (take for take in row.takes if (folder.directory / f"{take.name}.wav").is_file())
    return replace(row, takes=tuple(there))
