"""The user's voices: a folder with one file per voice, `NAME.voice`.

A file is there whole or not at all, and is replaced only when that was asked for. A damaged file is
told as such and stands in nobody's way. Names are checked before a path is made of them, links are
not followed, and case makes no difference: `Nora` finds `nora`.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

from intone.audio.durable import atomic_write_bytes
from intone.audio.writer import output_error
from intone.core.errors import InvalidSettingError, OutputError, UnknownVoiceError, VoiceFileError
from intone.voices.names import checked_name, is_plain_name
from intone.voices.voice import Voice
from intone.voices.voice_file import SUFFIX, read_voice, voice_bytes, voice_from_bytes

VOICES_VARIABLE = "INTONE_VOICES_DIR"
_LOCK = ".lock"
_MAX_NEAR_NAMES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryEntry:
    """One file of the folder."""

    name: str
    path: Path
    voice: Voice | None
    """None where the file is damaged."""
    problem: str | None = None
    """What is wrong with it."""


class VoiceLibrary:
    """Keeps voices in a folder, which is made with the first voice."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> VoiceLibrary:
        """Opens INTONE_VOICES_DIR, else `intone/voices` in XDG_DATA_HOME (~/.local/share)."""
        chosen = environ.get(VOICES_VARIABLE)
        if chosen:
            return cls(Path(chosen).expanduser())
        data_home = Path(environ.get("XDG_DATA_HOME") or "~/.local/share").expanduser()
        return cls(data_home / "intone" / "voices")

    def names(self) -> tuple[str, ...]:
        """Returns the names of all files, damaged ones included, in order; nothing is read."""
        return tuple(sorted(self._paths(), key=str.casefold))

    def entries(self) -> tuple[LibraryEntry, ...]:
        """Returns every file with its voice, or with what is wrong with it."""
        paths = self._paths()
        return tuple(_entry(name, paths[name]) for name in self.names())

    def __contains__(self, name: str) -> bool:
        return self._find(name) is not None

    def path(self, name: str) -> Path:
        """Returns the file of a voice; raises UnknownVoiceError, which lists near names."""
        found = self._find(name)
        if found is None:
            raise UnknownVoiceError(self._unknown(name))
        return found

    def get(self, name: str) -> Voice:
        """Returns a voice by name, in any case.

        Raises:
            UnknownVoiceError: there is none; the message lists near names.
            VoiceFileError: its file is damaged.
        """
        return read_voice(self.path(name))

    def put(self, voice: Voice, replace: bool = False) -> Path:
        """Keeps a voice under its name and returns its file.

        Args:
            replace: whether an older voice of that name may give way.

        Raises:
            InvalidSettingError: the name cannot be used or is taken, or something of the voice
                cannot be written.
            OutputError: the folder cannot be written; an older file is as it was.
        """
        name, data = checked_name(voice.name), _checked_bytes(voice)
        with self._locked():
            old = self._find(name)
            if old is not None and not replace:
                taken = _taken(old.name.removesuffix(SUFFIX))
                raise InvalidSettingError(f"{taken} --force replaces it.")
            path = self.directory / f"{name}{SUFFIX}" if old is None else old
            atomic_write_bytes(path, data)
        return path

    def change(self, name: str, change: Callable[[Voice], Voice]) -> Voice:
        """Replaces a voice by what `change` makes of it, nobody between, and returns the new one.

        Raises:
            UnknownVoiceError, VoiceFileError: there is no such voice, or its file is damaged.
            InvalidSettingError: something of the new voice cannot be written.
            OutputError: the folder cannot be written; the voice is as it was.
        """
        with self._locked():
            path = self.path(name)
            changed = change(read_voice(path))
            atomic_write_bytes(path, _checked_bytes(changed))
        return changed

    def rename(self, name: str, new_name: str) -> Path:
        """Gives a voice another name and returns its file; the content stays as it is.

        Raises:
            UnknownVoiceError: there is no such voice.
            InvalidSettingError: the new name cannot be used, or is taken.
            OutputError: the folder cannot be written.
        """
        checked_name(new_name)
        with self._locked():
            old = self.path(name)
            other = self._find(new_name)
            if other is not None and other != old:
                raise InvalidSettingError(_taken(new_name))
            path = self.directory / f"{new_name}{SUFFIX}"
            try:
                old.rename(path)
            except OSError as error:
                raise output_error(str(path), error) from error
        return path

    def remove(self, name: str) -> Path:
        """Removes a voice, damaged or not, and returns where it was.

        Raises:
            UnknownVoiceError: there is no such voice.
            OutputError: the folder cannot be written.
        """
        with self._locked():
            path = self.path(name)
            try:
                path.unlink()
            except OSError as error:
                raise output_error(str(path), error) from error
        return path

    def export(self, name: str, target: Path, *, replace: bool = False) -> Path:
        """Copies a voice's file and returns where to.

        Args:
            target: a file, or a directory in which it keeps its name.
            replace: whether a file that is there may give way.

        Raises:
            UnknownVoiceError, VoiceFileError: there is no such voice, or its file is damaged.
            OutputError: the target is there, or cannot be written.
        """
        voice = self.get(name)
        path = target / f"{voice.name}{SUFFIX}" if target.is_dir() else target
        if os.path.lexists(path) and not replace:
            raise OutputError(f"{path} is there already; name another file, or add --force.")
        atomic_write_bytes(path, voice_bytes(voice))
        return path

    def load(self, path: Path, name: str | None = None, *, replace: bool = False) -> Voice:
        """Takes a voice file from elsewhere into the folder and returns the voice.

        Args:
            name: what to call it; None is the file's own name.

        Raises:
            VoiceFileError: not a voice, or damaged.
            InvalidSettingError: the name cannot be used, or is taken.
            OutputError: the folder cannot be written.
        """
        voice = read_voice(path)
        kept = voice if name is None else _named(voice, name)
        self.put(kept, replace)
        return kept

    def _paths(self) -> dict[str, Path]:
        """Returns every file by its name; a name that could not be given here is none."""
        try:
            found = list(self.directory.iterdir())
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise OutputError(
                f"the voices in {self.directory} cannot be listed: {error.strerror}; check its "
                f"permissions, or set {VOICES_VARIABLE}."
            ) from error
        names = {path.name.removesuffix(SUFFIX): path for path in found if path.suffix == SUFFIX}
        return {name: path for name, path in names.items() if is_plain_name(name)}

    def _find(self, name: str) -> Path | None:
        """Returns the file of a name: as it is spelt, else in another case."""
        if not is_plain_name(name):
            return None
        paths = self._paths()
        folded = {known.casefold(): path for known, path in paths.items()}
        return paths.get(name) or folded.get(name.casefold())

    def _unknown(self, name: str) -> str:
        names = self.names()
        near = get_close_matches(name, names, n=_MAX_NEAR_NAMES, cutoff=0.5)
        known = f"near it: {', '.join(near)}" if near else f"kept: {', '.join(names) or 'none'}"
        return (
            f"no voice {name!r} is kept in {self.directory}; {known}. "
            "See `intone voices list`, or make one: intone voices clone NAME --audio FILE."
        )

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Lets one process at a time change the folder, so that looking and writing are one."""
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            file = (self.directory / _LOCK).open("ab")
        except OSError as error:
            raise OutputError(
                f"voices cannot be kept in {self.directory}: {error.strerror}; set "
                f"{VOICES_VARIABLE} to a directory that can be written."
            ) from error
        with file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _entry(name: str, path: Path) -> LibraryEntry:
    try:
        return LibraryEntry(name=name, path=path, voice=read_voice(path))
    except VoiceFileError as error:
        return LibraryEntry(name=name, path=path, voice=None, problem=str(error))


def _checked_bytes(voice: Voice) -> bytes:
    """Returns the file of a voice that can be read back; raises InvalidSettingError."""
    data = voice_bytes(voice)
    try:
        voice_from_bytes(data, voice.name)
    except VoiceFileError as error:
        raise InvalidSettingError(f"the voice cannot be kept: {error}") from error
    return data


def _named(voice: Voice, name: str) -> Voice:
    return replace(voice, name=name)


def _taken(name: str) -> str:
    return (
        f"a voice {name!r} is kept already, and case makes no difference; choose another name, "
        f"or remove that one first: intone voices remove {name}."
    )
