"""Built graphs on disk: beside the checkpoint, valid or absent, built once by one process.

What is kept are graphs and weights in ONNX Runtime's portable layout, nothing of this machine's
CPU: the fit to it is made at every start, in under a second. An entry says what it was made from;
one that does not fit any more is made anew. It becomes visible by one rename.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from tempfile import mkdtemp

from intone.core.errors import CheckpointError, OutputError
from intone.runtime.cpu.build import EXIT_CHECKPOINT, EXIT_OUTPUT, Precision

FORMAT = 1
"""Raised whenever a graph or the quantiser changes: older entries are stale."""

FOLDER = ".intone"
CACHE_VARIABLE = "INTONE_CACHE_DIR"
_MANIFEST = "manifest.json"
_PARTIAL = "building-"


def ensure(model: Path, precision: Precision, environ: Mapping[str, str]) -> Path:
    """Returns the directory of a checkpoint's graphs, building them if there are none that fit.

    Raises:
        CheckpointError: the checkpoint cannot be used.
        OutputError: nowhere to write, or no room.
    """
    sources = _sources(model)
    folder = _folder(model, environ)
    entry = folder / precision
    if _fits(entry, sources):
        return entry
    with _lock(folder):
        if not _fits(entry, sources):  # another process may have built it meanwhile
            _build(model, precision, entry, sources)
    return entry


def _folder(model: Path, environ: Mapping[str, str]) -> Path:
    """Returns where a checkpoint's graphs are kept: beside it, or else in the user's cache."""
    chosen = environ.get(CACHE_VARIABLE)
    if chosen:
        return _apart(Path(chosen), model)
    beside = model / FOLDER
    if os.access(beside if beside.is_dir() else model, os.W_OK):
        return beside
    home = Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return _apart(home / "intone", model)


def _apart(root: Path, model: Path) -> Path:
    whole = str(model.resolve())
    return root / f"{model.name}-{sha256(whole.encode()).hexdigest()[:12]}"


def _sources(model: Path) -> list[list[str | int]]:
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


def _fits(entry: Path, sources: list[list[str | int]]) -> bool:
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
def _lock(folder: Path) -> Iterator[None]:
    """Lets one process at a time build here; a process that dies lets go."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / "lock").open("w")
    except OSError as error:
        raise OutputError(
            f"{folder} cannot be written: {error}; set {CACHE_VARIABLE} to a directory for built "
            "graphs."
        ) from error
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _build(model: Path, precision: Precision, entry: Path, sources: list[list[str | int]]) -> None:
    _sweep(entry.parent)
    partial = Path(mkdtemp(prefix=_PARTIAL, dir=entry.parent))
    try:
        _run_builder(model, precision, partial)
        manifest = {"format": FORMAT, "sources": sources, "files": _sizes(partial)}
        (partial / _MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")
        partial.chmod(0o755)  # mkdtemp makes it private
        shutil.rmtree(entry, ignore_errors=True)
        partial.rename(entry)
    except OSError as error:
        raise OutputError(f"{entry} cannot be written: {error}.") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _sweep(folder: Path) -> None:
    """Removes what a process that died left half-built; the lock is held, so nobody builds now."""
    for leftover in folder.glob(f"{_PARTIAL}*"):
        shutil.rmtree(leftover, ignore_errors=True)


def _run_builder(model: Path, precision: Precision, out: Path) -> None:
    command = [sys.executable, "-m", "intone.runtime.cpu.build", str(model), precision, str(out)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode == 0:
        return
    reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
    if done.returncode == EXIT_CHECKPOINT:
        raise CheckpointError(reason)
    if done.returncode == EXIT_OUTPUT:
        raise OutputError(
            f"{reason} Built graphs need about the size of the checkpoint; free some room, or set "
            f"{CACHE_VARIABLE} to a directory on another disk."
        )
    raise OutputError(f"the graphs of {model} could not be built ({done.returncode}): {reason}")
