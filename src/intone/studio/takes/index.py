"""What lies in a folder of takes, by the names of its files alone.

`render.outputs` names files by mode and time, so order, kind and day are known without opening one:
a folder of thousands is listed in a few hundredths of a second. Files with other names are counted
and left alone.
"""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path

from intone.audio.writer import output_error
from intone.core.errors import RecordError

AUDIO_ENDINGS = (".wav", ".flac", ".mp3", ".ogg")

_STEM = re.compile(
    r"(?P<mode>[a-z][a-z0-9-]{0,31})_(?P<day>\d{8})_(?P<time>\d{6})(?:_(?P<number>\d{1,5}))?"
)
_SEGMENT = re.compile(r"\d{3,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeFiles:
    """All files of one name: a take, or a script with its segments."""

    stem: str
    mode: str
    day: str
    """YYYYMMDD, of this place."""
    time: str
    """HHMMSS."""
    number: int
    """Of several takes of one second; 1 has none in its name."""
    names: tuple[str, ...]
    """In order."""

    @property
    def order(self) -> tuple[str, str, int]:
        """Sorts takes by time."""
        return self.day, self.time, self.number

    @property
    def made_at(self) -> datetime:
        return datetime.strptime(self.day + self.time, "%Y%m%d%H%M%S")

    @property
    def record(self) -> str | None:
        """The JSON of the whole; None where it is missing."""
        return self._named(f"{self.stem}.json")

    @property
    def audio(self) -> str | None:
        return self._audio_of(self.stem)

    @property
    def segments(self) -> tuple[TakeFiles, ...]:
        """The takes that a script consists of, in order."""
        parts = defaultdict[str, list[str]](list)
        for name in self.names:
            number, dot, _ = name.removeprefix(f"{self.stem}.").partition(".")
            if dot and _SEGMENT.fullmatch(number):
                parts[number].append(name)
        return tuple(
            TakeFiles(
                stem=f"{self.stem}.{number}",
                mode=self.mode,
                day=self.day,
                time=self.time,
                number=self.number,
                names=tuple(parts[number]),
            )
            for number in sorted(parts, key=int)
        )

    def _audio_of(self, stem: str) -> str | None:
        return next((n for end in AUDIO_ENDINGS if (n := self._named(stem + end))), None)

    def _named(self, name: str) -> str | None:
        return name if name in self.names else None


@dataclass(frozen=True)
class TakeIndex:
    """A folder's takes, the newest first."""

    directory: Path
    takes: tuple[TakeFiles, ...]
    num_foreign: int
    """Files that `render.outputs` did not name; they are not shown."""

    @classmethod
    def read(cls, directory: Path) -> TakeIndex:
        """Returns what lies in a folder now; one that is not there is empty.

        Raises:
            OutputError: the folder cannot be read.
        """
        try:
            with os.scandir(directory) as found:
                names = [one.name for one in found if not _is_aside(one)]
        except FileNotFoundError:
            names = []
        except OSError as error:
            raise output_error(str(directory), error) from error
        return cls.of(directory, names)

    @classmethod
    def of(cls, directory: Path, names: Iterable[str]) -> TakeIndex:
        """Returns the index of some names."""
        groups, num_foreign = defaultdict[str, list[str]](list), 0
        for name in names:
            stem = name.partition(".")[0]
            if "." in name and _is_stem(stem):
                groups[stem].append(name)
            else:
                num_foreign += 1
        takes = [_files(stem, sorted(found)) for stem, found in groups.items()]
        takes.sort(key=lambda take: take.order, reverse=True)
        return cls(directory, tuple(takes), num_foreign)

    def find(self, name: str) -> TakeFiles:
        """Returns a take, or a segment of one, by its stem; raises RecordError where it is gone.

        What a page says is only ever compared with names that are there.
        """
        take = self._by_stem.get(name.partition(".")[0])
        parts = () if take is None else (take, *take.segments)
        found = next((part for part in parts if part.stem == name), None)
        if found is None:
            raise RecordError(f"the take {name:.80} is not there any more; the list is anew now.")
        return found

    @cached_property
    def modes(self) -> tuple[tuple[str, int], ...]:
        """Every mode and how many takes it has, the most first."""
        return tuple(Counter(take.mode for take in self.takes).most_common())

    @cached_property
    def days(self) -> tuple[tuple[date, int], ...]:
        """Every day and how many takes it has, the latest first."""
        counted = Counter(take.day for take in self.takes)
        return tuple((datetime.strptime(day, "%Y%m%d").date(), n) for day, n in counted.items())

    @cached_property
    def _by_stem(self) -> dict[str, TakeFiles]:
        return {take.stem: take for take in self.takes}


def _is_aside(entry: os.DirEntry[str]) -> bool:
    """Whether something is nobody's take: hidden, or one of our own folders beside them."""
    return entry.name.startswith(".") or ("." not in entry.name and entry.is_dir())


def _is_stem(stem: str) -> bool:
    match = _STEM.fullmatch(stem)
    if match is None:
        return False
    try:
        datetime.strptime(match["day"] + match["time"], "%Y%m%d%H%M%S")
    except ValueError:
        return False
    return True


def _files(stem: str, names: list[str]) -> TakeFiles:
    match = _STEM.fullmatch(stem)
    assert match is not None
    return TakeFiles(
        stem=stem,
        mode=match["mode"],
        day=match["day"],
        time=match["time"],
        number=int(match["number"] or 1),
        names=tuple(names),
    )
