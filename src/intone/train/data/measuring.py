"""Measuring many clips once: in several processes, remembered in a file between two checks.

A clip is measured again when its file's size or time, its cut, or `MEASURE_VERSION` changed. The
file grows by chunks while measuring, so that a check that was stopped goes on where it was.
"""

from __future__ import annotations

import json
import multiprocessing
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from intone.audio.durable import append_lines_synced, atomic_write_text
from intone.train.data.clip_stats import (
    MEASURE_VERSION,
    ClipFailure,
    ClipStats,
    Measured,
    measure_clip,
)
from intone.train.progress import OnProgress, StageProgress

MEASURED_FILE = "measured.jsonl"

CHUNK_CLIPS = 128
"""Measured in one go and remembered together."""

Measure = Callable[[Path, float | None, float | None], Measured]


@dataclass(frozen=True, slots=True)
class Cut:
    """A stretch of a file; None is its end on that side."""

    path: Path
    start_s: float | None
    end_s: float | None


@dataclass(frozen=True, slots=True)
class _Key:
    """What a measurement belongs to."""

    path: str
    start_s: float | None
    end_s: float | None
    size_bytes: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Measurements:
    """What is known of every cut."""

    by_cut: Mapping[Cut, Measured]
    num_measured: int
    """Now; the rest was known."""


def measure_all(
    cuts: Sequence[Cut],
    cache: Path,
    *,
    processes: int,
    on_progress: OnProgress,
    measure: Measure = measure_clip,
) -> Measurements:
    """Returns a measurement of every cut.

    Args:
        cuts: may repeat; each is measured once.
        cache: file of earlier measurements, made or extended.
        processes: 1 measures in this process; more also outlive a clip that kills its decoder.
        on_progress: called after every chunk.
        measure: what measures one cut; it is sent to the processes.

    Raises:
        OutputError: the cache cannot be written.
    """
    keys = {cut: _key_of(cut) for cut in dict.fromkeys(cuts)}
    known = _read_cache(cache)
    results = {cut: known[key] for cut, key in keys.items() if key is not None and key in known}
    todo = [cut for cut in keys if cut not in results]
    num_known, started = len(results), time.monotonic()
    for chunk in _measured_chunks(todo, processes, measure):
        results.update(chunk)
        _remember(cache, keys, chunk)
        on_progress(
            StageProgress(
                done=len(results),
                total=len(keys),
                unit="clips",
                elapsed_s=time.monotonic() - started,
                skipped=num_known,
            )
        )
    kept = {key: results[cut] for cut, key in keys.items() if key is not None}
    if known.keys() - kept.keys():
        atomic_write_text(cache, "".join(f"{_line(key, kept[key])}\n" for key in kept))
    return Measurements(results, len(todo))


def _key_of(cut: Cut) -> _Key | None:
    """Returns None for what is no file: there is nothing to remember."""
    try:
        found = cut.path.stat()
    except (OSError, ValueError):
        return None
    return _Key(str(cut.path), cut.start_s, cut.end_s, found.st_size, found.st_mtime_ns)


def _measured_chunks(
    cuts: Sequence[Cut], processes: int, measure: Measure
) -> Iterator[dict[Cut, Measured]]:
    chunks = [cuts[i : i + CHUNK_CLIPS] for i in range(0, len(cuts), CHUNK_CLIPS)]
    if min(processes, len(chunks)) <= 1:
        for chunk in chunks:
            yield _measure_chunk(chunk, measure)
        return
    lost: list[Sequence[Cut]] = []
    with _pool(min(processes, len(chunks))) as pool:
        try:
            futures = _submitted(pool, chunks, measure, lost)
            for future in as_completed(futures):
                done = _result(future)
                if done is None:
                    lost.append(futures[future])
                else:
                    yield done
        finally:
            pool.shutdown(cancel_futures=True)
    for chunk in lost:
        yield _measure_apart(chunk, measure)


def _submitted(
    pool: ProcessPoolExecutor,
    chunks: Sequence[Sequence[Cut]],
    measure: Measure,
    lost: list[Sequence[Cut]],
) -> dict[Future[dict[Cut, Measured]], Sequence[Cut]]:
    """Returns the chunks by their futures; those that a broken pool refuses go to `lost`."""
    futures = {}
    for chunk in chunks:
        try:
            futures[pool.submit(_measure_chunk, chunk, measure)] = chunk
        except BrokenProcessPool:
            lost.append(chunk)
    return futures


def _measure_chunk(cuts: Sequence[Cut], measure: Measure) -> dict[Cut, Measured]:
    return {cut: measure(cut.path, cut.start_s, cut.end_s) for cut in cuts}


def _measure_apart(cuts: Sequence[Cut], measure: Measure) -> dict[Cut, Measured]:
    """Measures in a process of their own clips of which one may have killed the process before.

    Halves them until the culprit is alone, so that all others are measured.
    """
    with _pool(1) as pool:
        done = _result(pool.submit(_measure_chunk, cuts, measure))
    if done is not None:
        return done
    if len(cuts) == 1:
        reason = "the decoder crashed on it"
        return {cuts[0]: ClipFailure(code="undecodable_audio", reason=reason)}
    half = len(cuts) // 2
    return _measure_apart(cuts[:half], measure) | _measure_apart(cuts[half:], measure)


def _result(future: Future[dict[Cut, Measured]]) -> dict[Cut, Measured] | None:
    try:
        return future.result()
    except BrokenProcessPool:
        return None


def _pool(processes: int) -> ProcessPoolExecutor:
    # A fresh interpreter: a fork of a process with torch's threads may hang.
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(processes, mp_context=context, initializer=_leave_ctrl_c)


def _leave_ctrl_c() -> None:
    """The process that waits for us answers it; our own trace would only be noise."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _remember(cache: Path, keys: Mapping[Cut, _Key | None], chunk: Mapping[Cut, Measured]) -> None:
    named = ((keys[cut], measured) for cut, measured in chunk.items())
    lines = [_line(key, measured) for key, measured in named if key is not None]
    if lines:
        append_lines_synced(cache, lines)


def _line(key: _Key, measured: Measured) -> str:
    kind = "stats" if isinstance(measured, ClipStats) else "failure"
    entry = {"version": MEASURE_VERSION, "key": _values(key), kind: _values(measured)}
    return json.dumps(entry, allow_nan=False)


def _values(record: _Key | Measured) -> dict[str, object]:
    """`dataclasses.asdict` copies deeply, and takes a third of the whole time here."""
    return {field.name: getattr(record, field.name) for field in fields(record)}


def _read_cache(cache: Path) -> dict[_Key, Measured]:
    """Returns what can be read; a torn line or one of another version is measured again."""
    if not cache.exists():
        return {}
    known: dict[_Key, Measured] = {}
    for line in cache.read_text(encoding="utf-8", errors="replace").split("\n"):
        try:
            entry = json.loads(line)
            if entry["version"] == MEASURE_VERSION:
                known[_Key(**entry["key"])] = _measured(entry)
        except (json.JSONDecodeError, KeyError, TypeError):
            continue
    return known


def _measured(entry: Mapping[str, Mapping[str, Any]]) -> Measured:
    if "stats" in entry:
        return ClipStats(**entry["stats"])
    return ClipFailure(**entry["failure"])
