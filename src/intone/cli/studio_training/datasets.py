"""Datasets of the studio: recordings from a folder or an archive, checked, with their verdicts."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from intone.cli.studio_training.folders import (
    DATASET_FILE,
    existing,
    new_directory,
    newest_first,
    now,
    read_about,
    remove_tree,
    write_about,
)
from intone.cli.studio_training.jobs import read_job, start_job
from intone.cli.studio_training.processes import Processes
from intone.cli.studio_training.stages import check_stages
from intone.cli.studio_training.uploads import only_folder, unpack
from intone.cli.studio_training.verdicts import read_verdict
from intone.core.errors import (
    DatasetError,
    IntoneError,
    InvalidSettingError,
    RunError,
    UnknownLanguageError,
)
from intone.studio.training.desk import Dataset, DatasetWish
from intone.train.data.languages import KNOWN_LANGUAGES, language_name
from intone.train.data.parse_rows import MAX_SPEAKER_CHARS, speaker_name

_SPEAKER = re.compile(r"[a-z0-9_]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Datasets:
    """The datasets of one folder."""

    directory: Path
    processes: Processes

    def all(self) -> tuple[Dataset, ...]:
        """Returns them, newest first; one whose file is damaged is not listed."""
        return tuple(self._read(path) for path in newest_first(self.directory, DATASET_FILE))

    def get(self, dataset_id: str) -> Dataset:
        """Returns one; raises RunError where it is not there."""
        return self._read(self._path(dataset_id))

    def data(self, dataset_id: str) -> Path:
        """Returns the directory of its rows and codes."""
        return self._path(dataset_id) / "data"

    def check(self, wish: DatasetWish) -> str:
        """Begins a check and returns the dataset's id.

        Raises:
            RequestError, DatasetError: a value is wrong, or the archive cannot be used.
            OutputError: nothing can be written.
        """
        speaker, language = _speaker(wish.speaker), _language(wish.language)
        folder = None if wish.folder is None else _source(wish.folder)
        if (folder is None) == (wish.archive is None):
            raise InvalidSettingError("give a folder or a .zip of recordings: one of the two.")
        place = new_directory(self.directory, speaker)
        try:
            left_out: tuple[str, ...] = ()
            if wish.archive is not None:
                left_out = unpack(wish.archive, place / "clips")
            about = {
                "source": str(folder) if wish.archive is None else wish.archive.name,
                "speaker": speaker,
                "language": language,
                "created_at": now(),
                "left_out": left_out,
            }
            source = folder or only_folder(place / "clips")
            write_about(place / DATASET_FILE, about)
            stages = check_stages(source, place / "data", speaker, language)
            start_job(place / "job", stages, self.processes)
        except IntoneError:
            shutil.rmtree(place, ignore_errors=True)
            raise
        return place.name

    def remove(self, dataset_id: str) -> None:
        """Removes what was made here.

        Raises:
            RunError: it is not there, or its check is at work.
        """
        path = self._path(dataset_id)
        if self.processes.is_running(path / "job"):
            raise RunError(f"{dataset_id!r} is being checked; wait for the end of it.")
        remove_tree(path)

    def _path(self, dataset_id: str) -> Path:
        return existing(self.directory, dataset_id, "set of recordings")

    def _read(self, path: Path) -> Dataset:
        about = read_about(path / DATASET_FILE)
        job = read_job(path / "job", self.processes)
        return Dataset(
            id=path.name,
            source=about["source"],
            speaker=about["speaker"],
            language=about["language"],
            created_at=about["created_at"],
            job=job,
            verdict=None if job.is_active else read_verdict(path / "data"),
            left_out=tuple(about["left_out"]),
        )


def _speaker(given: str) -> str:
    name = speaker_name(given)
    if _SPEAKER.fullmatch(name) is None or len(name) > MAX_SPEAKER_CHARS:
        raise InvalidSettingError(
            f"the speaker's name is {given!r}; allowed: letters a to z, digits and underscores, up "
            f"to {MAX_SPEAKER_CHARS}. For example nora."
        )
    return name


def _language(given: str) -> str:
    language = language_name(given)
    if language not in KNOWN_LANGUAGES:
        raise UnknownLanguageError(
            f"the language is {given!r}; allowed: {', '.join(KNOWN_LANGUAGES)}."
        )
    return language


def _source(given: str) -> Path:
    path = Path(given.strip()).expanduser()
    if not given.strip() or not path.is_absolute():
        raise DatasetError(
            f"the folder is {given!r}; give its whole path on the machine that runs this page, "
            "for example ~/recordings/nora."
        )
    if not path.exists():
        raise DatasetError(
            f"there is no {path} on the machine that runs this page; check the spelling, or "
            "upload a .zip."
        )
    return path
