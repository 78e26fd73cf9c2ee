"""Built graphs on disk: beside the checkpoint, valid or absent, built once by one process.

What is kept are graphs and weights in ONNX Runtime's portable layout, nothing of this machine's
CPU: the fit to it is made at every start. An entry has a name of its own, says what it was made
from, becomes visible by one rename and is never changed. One that does not fit any more is removed
when its successor is there and nobody is opening any.
"""

from __future__ import annotations

import fcntl
import json
import logging
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from pathlib import Path
from tempfile import mkdtemp
from time import perf_counter
from typing import BinaryIO

from intone.core.byte_sizes import format_bytes
from intone.core.errors import OutputError
from intone.runtime.cpu.builder import run_builder
from intone.runtime.cpu.built import Precision
from intone.runtime.cpu.needed_room import needed_bytes

FORMAT = 4
"""Raised whenever a graph or the quantiser changes: older entries are stale."""

FOLDER = ".intone"
CACHE_VARIABLE = "INTONE_CACHE_DIR"
_MANIFEST = "manifest.json"
_PARTIAL = "building-"
_BUILD_LOCK, _OPEN_LOCK = "build.lock", "open.lock"

Sources = list[list[str | int]]

_log = logging.getLogger("intone")


@contextmanager
def built_graphs(model: Path, precision: Precision, environ: Mapping[str, str]) -> Iterator[Path]:
    """Yields the directory of a checkpoint's graphs, building them if there are none that fit.

    Until the context ends nobody removes it; files that are open or mapped then stay readable.

    Raises:
        CheckpointError: the checkpoint cannot be used.
        OutputError: nowhere to write, or no room.
    """
    folders = _folders(model, environ)
    sources = _sources(model)
    with _opening(folders):
        entry = _find(folders, precision, sources)
        if entry is not None:
            yield entry
            return
    # Another process may build it while we wait for our turn; then this one only finds it.
    with _build_lock(folders) as (folder, lock):
        entry = _find(folders, precision, sources)
        if entry is None:
            entry = _build(model, precision, folder, sources, lock)
        with _opening([folder]):
            _release(lock)
            yield entry


def find_built(model: Path, precision: Precision, environ: Mapping[str, str]) -> Path | None:
    """Returns the directory of a checkpoint's graphs if there are any that fit; builds nothing."""
    return _find(_folders(model, environ), precision, _sources(model))


def _folders(model: Path, environ: Mapping[str, str]) -> list[Path]:
    """Returns where a checkpoint's graphs may be: where was asked for, else beside it, else in
    the user's cache. They are built in the first of these that can be written."""
    chosen = environ.get(CACHE_VARIABLE)
    if chosen:
        return [_apart(Path(chosen), model)]
    home = Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return [model / FOLDER, _apart(home / "intone", model)]


def _apart(root: Path, model: Path) -> Path:
    whole = model.resolve()
    return root / f"{whole.name}-{sha256(str(whole).encode()).hexdigest()[:12]}"


def _sources(model: Path) -> Sources:
    """Returns names, sizes and times of what graphs are made from."""
    paths = [
        *sorted(model.glob("*.safetensors")),
        *sorted((model / "speech_tokenizer").glob("*.safetensors")),
        model / "config.json",
        model / "speech_tokenizer" / "config.json",
    ]
    return [
        [str(path.relative_to(model)), status.st_size, status.st_mtime_ns]
        for path in paths
        if path.exists()
        for status in [path.stat()]
    ]


def _find(folders: list[Path], precision: Precision, sources: Sources) -> Path | None:
    for folder in folders:
        for entry in _entries(folder, precision):
            if _fits(entry, sources):
                return entry
    return None


def _entries(folder: Path, precision: Precision) -> list[Path]:
    return sorted(folder.glob(f"{precision}-*"))


def _fits(entry: Path, sources: Sources) -> bool:
    """Whether an entry is whole, of this format, and made from these files."""
    try:
        manifest = json.loads((entry / _MANIFEST).read_text(encoding="utf-8"))
        return bool(
            manifest["format"] == FORMAT
            and manifest["sources"] == sources
            and manifest["files"] == _sizes(entry)
        )
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _sizes(entry: Path) -> dict[str, int]:
    return {
        path.name: path.stat().st_size for path in sorted(entry.iterdir()) if path.name != _MANIFEST
    }


@contextmanager
def _opening(folders: list[Path]) -> Iterator[None]:
    """Keeps entries from being removed; where nothing can be written, nothing is removed either."""
    with ExitStack() as stack:
        for folder in folders:
            try:
                file = stack.enter_context((folder / _OPEN_LOCK).open("rb"))
                fcntl.flock(file, fcntl.LOCK_SH)
            except OSError:
                continue
        yield


@contextmanager
def _build_lock(folders: list[Path]) -> Iterator[tuple[Path, BinaryIO]]:
    """Lets one process at a time build; yields where, and the lock.

    The building process holds it too: should this one die, nobody takes its place before that
    one is gone. A process that dies lets go.
    """
    folder, file = _first_writable(folders)
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _log.info("another process is building graphs in %s: waiting for it", folder)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield folder, file


def _release(lock: BinaryIO) -> None:
    fcntl.flock(lock, fcntl.LOCK_UN)


def _first_writable(folders: list[Path]) -> tuple[Path, BinaryIO]:
    reasons = []
    for folder in folders:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / _OPEN_LOCK).touch()
            return folder, (folder / _BUILD_LOCK).open("ab")
        except OSError as error:
            reasons.append(str(error))
    raise OutputError(
        f"built graphs cannot be kept: {'; '.join(reasons)}. Set {CACHE_VARIABLE} to a directory "
        "that can be written."
    )


def _build(
    model: Path, precision: Precision, folder: Path, sources: Sources, lock: BinaryIO
) -> Path:
    _remove_stale(folder, precision)
    needed = needed_bytes(model, precision)
    _check_room(folder, precision, needed)
    _log.info("first start: building %s graphs of %s in %s", precision, model.name, folder)
    started = perf_counter()
    partial = Path(mkdtemp(prefix=_PARTIAL, dir=folder))
    try:
        run_builder(model, precision, partial, hint=_no_room(folder, precision, needed), lock=lock)
        manifest = {"format": FORMAT, "sources": sources, "files": _sizes(partial)}
        (partial / _MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")
        partial.chmod(0o755)  # mkdtemp makes it private
        entry = folder / f"{precision}-{partial.name.removeprefix(_PARTIAL)}"
        partial.rename(entry)
    except OSError as error:
        raise OutputError(f"{folder} cannot be written: {error}.") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    _log.info("built in %.0f s, and kept for later starts", perf_counter() - started)
    return entry


def _remove_stale(folder: Path, precision: Precision) -> None:
    """Removes what does not fit (nothing does, or nobody would build) and what was left half-built.

    The build lock is held, so nobody builds now; while somebody opens an entry, all are left alone.
    """
    for leftover in folder.glob(f"{_PARTIAL}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    with (folder / _OPEN_LOCK).open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        for entry in _entries(folder, precision):
            shutil.rmtree(entry, ignore_errors=True)


def _check_room(folder: Path, precision: Precision, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise OutputError(f"{format_bytes(free)} are free. {_no_room(folder, precision, needed)}")


def _no_room(folder: Path, precision: Precision, needed: int) -> str:
    return (
        f"{precision} graphs need about {format_bytes(needed)} in {folder}: free some room, or set "
        f"{CACHE_VARIABLE} to a directory on another disk."
    )
