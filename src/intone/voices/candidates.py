"""Rounds of designed candidates: takes in a folder, until one of them is kept as a voice.

    candidates/20261124_140000/round.json, 1.wav, 2.wav, ...

Rounds stay: a voice that was liked yesterday is there today, and what takes room is for the user to
remove.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from intone.audio import files
from intone.audio.durable import atomic_write_text, make_directory
from intone.audio.writer import output_error
from intone.core.errors import InvalidSettingError, VoiceFileError
from intone.core.types import Audio
from intone.voices.names import is_plain_name

FOLDER = "candidates"
_ROUND_FILE = "round.json"
_MAX_ROUND_BYTES = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateTake:
    """One take of a round."""

    number: int
    seed: int
    duration_s: float
    finish_reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateRound:
    """What was drawn together."""

    directory: Path
    description: str
    text: str
    language: str
    model: str
    seed: int
    takes: tuple[CandidateTake, ...] = ()

    @property
    def name(self) -> str:
        return self.directory.name

    def path(self, number: int) -> Path:
        """Returns the file of a take."""
        return self.directory / f"{number}.wav"

    def take(self, number: int) -> CandidateTake:
        """Returns a take; raises InvalidSettingError, which lists those there are."""
        found = next((one for one in self.takes if one.number == number), None)
        if found is None:
            numbers = ", ".join(str(one.number) for one in self.takes) or "none"
            raise InvalidSettingError(
                f"round {self.name} has no candidate {number}; it has: {numbers}."
            )
        return found

    def with_take(self, number: int, audio: Audio) -> CandidateRound:
        """Writes a take and returns the round with it; it is on the disk at once.

        An earlier take of that number gives way.
        """
        make_directory(self.directory)
        files.save(self.path(number), audio.samples, audio.sample_rate_hz)
        take = CandidateTake(
            number=number,
            seed=audio.seed,
            duration_s=round(audio.duration_s, 3),
            finish_reason=audio.finish_reason,
        )
        others = (one for one in self.takes if one.number != number)
        takes = sorted((*others, take), key=lambda one: one.number)
        grown = replace(self, takes=tuple(takes))
        written = asdict(grown) | {"schema": 1}
        del written["directory"]
        atomic_write_text(self.directory / _ROUND_FILE, json.dumps(written, indent=1))
        return grown


class CandidateFolder:
    """The rounds beside a library's voices."""

    def __init__(self, library_directory: Path) -> None:
        self.directory = library_directory / FOLDER

    def new_directory(self, now: datetime) -> Path:
        """Makes the directory of a new round, which no other round has; raises OutputError."""
        make_directory(self.directory)
        stem, number = f"{now:%Y%m%d_%H%M%S}", 1
        while True:
            path = self.directory / (stem if number == 1 else f"{stem}_{number}")
            try:
                path.mkdir()
            except FileExistsError:
                number += 1
                continue
            except OSError as error:
                raise output_error(str(path), error) from error
            return path

    def names(self) -> tuple[str, ...]:
        """Returns the rounds with a take at least, the oldest first."""
        found = self.directory.glob(f"*/{_ROUND_FILE}")
        return tuple(sorted((path.parent.name for path in found), key=_age))

    def get(self, name: str | None = None) -> CandidateRound:
        """Returns a round; None is the newest.

        Raises:
            InvalidSettingError: there is none, or none of that name.
            VoiceFileError: its file is damaged.
        """
        names = self.names()
        if not names:
            raise InvalidSettingError(
                f"there are no candidates in {self.directory}; draw some: "
                'intone voices design "a calm, deep voice" --text WORDS.'
            )
        if name is not None and (name not in names or not is_plain_name(name)):
            raise InvalidSettingError(f"no round {name!r}; there are: {', '.join(names)}.")
        return _read(self.directory / (name or names[-1]))

    def remove(self, name: str) -> None:
        """Removes a round with its audio; voices that were kept of it stay.

        Raises:
            InvalidSettingError: there is none of that name.
            OutputError: the system refused.
        """
        if name not in self.names() or not is_plain_name(name):
            raise InvalidSettingError(f"no round {name!r}; it was removed already.")
        path = self.directory / name
        try:
            shutil.rmtree(path)
        except OSError as error:
            raise output_error(str(path), error) from error


def _age(name: str) -> tuple[str, int]:
    """Sorts the second round of one second behind the first, and the tenth behind the second."""
    parts = name.split("_")
    number = int(parts[2]) if len(parts) == 3 and parts[2].isdigit() else 1
    return "_".join(parts[:2]), number


def _read(directory: Path) -> CandidateRound:
    path = directory / _ROUND_FILE
    try:
        with path.open("rb") as file:
            data = json.loads(file.read(_MAX_ROUND_BYTES))
        return _round(directory, data)
    except OSError as error:
        raise VoiceFileError(f"{path} cannot be read: {error.strerror}; draw again.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise VoiceFileError(
            f"{path} is damaged ({type(error).__name__}); draw the candidates again."
        ) from error


def _round(directory: Path, data: Mapping[str, Any]) -> CandidateRound:
    return CandidateRound(
        directory=directory,
        description=str(data["description"]),
        text=str(data["text"]),
        language=str(data["language"]),
        model=str(data["model"]),
        seed=int(data["seed"]),
        takes=tuple(
            CandidateTake(
                number=int(one["number"]),
                seed=int(one["seed"]),
                duration_s=float(one["duration_s"]),
                finish_reason=str(one["finish_reason"]),
            )
            for one in data["takes"]
        ),
    )
