"""The second stage: every clip of a checked dataset becomes codec frames and an x-vector, once.

Reads `rows.jsonl`, writes `codes/`: shards that grow record by record, an index of which row has
what, and `failed.jsonl` with a code and a reason for each row that could not be encoded. A run that
was stopped, by `kill -9` too, is continued by the next one, which encodes only what is missing.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import torch

from intone.audio.durable import make_directory
from intone.audio.writer import output_error
from intone.core.constants import FRAME_S
from intone.core.errors import DatasetError
from intone.train.data.verdicts import Rejection, write_rejections
from intone.train.encoding.clip_source import ClipProblem, file_sha256
from intone.train.encoding.dataset import CODES_DIRECTORY, write_index
from intone.train.encoding.encode_plan import Hashes, RowPlan, batches_of, plan_row, units_of
from intone.train.encoding.encode_pool import Task, WorkerSetup, encode_here, encode_in_processes
from intone.train.encoding.encode_report import EncodeReport, EncodeSettings
from intone.train.encoding.encoders import EncoderPlace, Outcome, origin_of, speaker_model
from intone.train.encoding.shards import Kind, Shards, cut_torn_ends
from intone.train.progress import OnProgress, StageProgress, silent
from intone.train.rows import ROWS_FILE, TrainingRow, read_rows, row_to_json

FAILED_FILE = "failed.jsonl"
LOCK_FILE = "lock"
GPU_BATCH_S = 120.0
MAX_PROCESSES = 8
"""More only where they are asked for: each holds the encoders, a quarter of a gigabyte."""

_HASHING_THREADS = 4


def encode(
    directory: Path, settings: EncodeSettings, on_progress: OnProgress = silent
) -> EncodeReport:
    """Encodes what is missing of a dataset and returns what there is.

    With several processes it is called from a program that can be imported again (`if __name__ ==
    "__main__"`), as multiprocessing wants it.

    Args:
        directory: holds `rows.jsonl`; `codes/` in it is made or continued.
        settings: models, device, processes.
        on_progress: called after every batch; counts seconds of audio.

    Raises:
        DatasetError: no rows, another run at work on them, or more rows failed than allowed (after
            everything was written).
        ModelError: a checkpoint is damaged, or the speaker encoder does not fit the model.
        UnsupportedModeError: a checkpoint lacks the encoder that is needed.
        TrainError: an encoding process died.
        OutputError: the directory cannot be written.
    """
    started = time.monotonic()
    rows, place = _rows(directory), _place(settings)
    origin = origin_of(place)
    with _held(directory / CODES_DIRECTORY) as shards_directory:
        cuts = cut_torn_ends(shards_directory)
        hashes = _hash_files(rows, on_progress)
        plans = [plan_row(row, hashes, origin, trim=settings.trim) for row in rows]
        kept = Shards(shards_directory)
        tasks = list(batches_of(units_of(plans, kept), _batch_s(settings)))
        done = _run(place, shards_directory, settings, tasks, on_progress)
        shards = Shards(shards_directory)
        failures = [_failure(plan, done, directory) for plan in plans if not _has(shards, plan)]
        whole = [plan for plan in plans if _has(shards, plan)]
        write_rejections(shards_directory / FAILED_FILE, failures)
        write_index(directory, [plan.keys for plan in whole if plan.keys is not None], origin)
    report = EncodeReport(
        encoded=len(whole),
        failures=failures,
        audio_s=FRAME_S * sum(_num_frames(shards, plan) for plan in whole),
        speakers=len({plan.row.speaker for plan in whole}),
        has_x_vectors=origin.speaker_encoder is not None,
        records_made=done.num_records,
        records_kept=len({need.name for plan in plans for need in plan.needs if need.name in kept}),
        read_s=done.seconds,
        elapsed_s=time.monotonic() - started,
        cuts=cuts,
    )
    _check_failures(report, settings, shards_directory)
    return report


def _rows(directory: Path) -> list[TrainingRow]:
    rows = read_rows(directory)
    if not rows:
        raise DatasetError(f"{directory / ROWS_FILE} holds no rows; check the source again.")
    return rows


def _place(settings: EncodeSettings) -> EncoderPlace:
    speaker = speaker_model(settings.model, settings.speaker_encoder)
    return EncoderPlace(model=settings.model, speaker_model=speaker, device=settings.device)


def _batch_s(settings: EncodeSettings) -> float:
    """Returns the default where none was asked for: on a CPU, batches were no faster."""
    if settings.batch_s is not None:
        return settings.batch_s
    return 0.0 if settings.device == "cpu" else GPU_BATCH_S


@contextmanager
def _held(directory: Path) -> Iterator[Path]:
    """Keeps other runs of the stage out of the directory, which is made."""
    make_directory(directory)
    path = directory / LOCK_FILE
    try:
        lock = path.open("wb")
    except OSError as error:
        raise output_error(str(path), error) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DatasetError(
                f"another `intone train encode` is at work in {directory}; wait for it, or stop it."
            ) from error
        yield directory


def _hash_files(rows: Sequence[TrainingRow], on_progress: OnProgress) -> Hashes:
    paths = list(dict.fromkeys(path for row in rows for path in (row.audio, row.ref_audio) if path))
    started, hashes = time.monotonic(), {}
    with ThreadPoolExecutor(_HASHING_THREADS) as pool:
        for path, found in zip(paths, pool.map(file_sha256, paths), strict=True):
            hashes[path] = found
            on_progress(
                StageProgress(
                    done=len(hashes),
                    total=len(paths),
                    unit="files looked at",
                    elapsed_s=time.monotonic() - started,
                )
            )
    return hashes


def _run(
    place: EncoderPlace,
    shards_directory: Path,
    settings: EncodeSettings,
    tasks: Sequence[Task],
    on_progress: OnProgress,
) -> Outcome:
    """Encodes every batch and returns the sum of the outcomes."""
    started = time.monotonic()
    total_s = sum(unit.seconds for task in tasks for unit in task)
    problems: dict[tuple[Kind, str], ClipProblem] = {}
    num_records, seconds = 0, 0.0
    for outcome in _outcomes(place, shards_directory, settings, tasks):
        problems |= outcome.problems
        num_records += outcome.num_records
        seconds += outcome.seconds
        on_progress(
            StageProgress(
                done=round(seconds),
                total=round(total_s),
                unit="s of audio",
                elapsed_s=time.monotonic() - started,
                note=f"{len(problems)} records failed" if problems else "",
            )
        )
    return Outcome(num_records=num_records, seconds=seconds, problems=problems)


def _outcomes(
    place: EncoderPlace, shards_directory: Path, settings: EncodeSettings, tasks: Sequence[Task]
) -> Iterator[Outcome]:
    cores = torch.get_num_threads()
    default = min(cores, MAX_PROCESSES) if settings.device == "cpu" else 1
    processes = min(settings.processes or default, len(tasks))
    threads = max(1, cores // max(1, processes))
    setup = WorkerSetup(place=place, shards=shards_directory, threads=threads)
    if processes <= 1:
        return encode_here(setup, tasks)
    return encode_in_processes(setup, tasks, processes)


def _has(shards: Shards, plan: RowPlan) -> bool:
    return plan.keys is not None and all(need.name in shards for need in plan.needs)


def _failure(plan: RowPlan, done: Outcome, directory: Path) -> Rejection:
    found = [done.problems[need.name] for need in plan.needs if need.name in done.problems]
    problem = found[0] if plan.problem is None else plan.problem
    return Rejection(
        id=plan.row.id,
        code=problem.code,
        reason=problem.reason,
        row=row_to_json(plan.row, directory),
    )


def _num_frames(shards: Shards, plan: RowPlan) -> int:
    assert plan.keys is not None
    return shards.entry("codes", plan.keys.codes).shape[0]


def _check_failures(report: EncodeReport, settings: EncodeSettings, directory: Path) -> None:
    failed, share = len(report.failures), len(report.failures) / report.rows
    if report.encoded and share <= settings.max_failed_share:
        return
    reasons = ", ".join(f"{count} {code}" for code, count in report.failed_by_code.most_common())
    raise DatasetError(
        f"{failed} of {report.rows} rows ({share:.1%}) could not be encoded ({reasons}); allowed: "
        f"{settings.max_failed_share:.1%}, and at least one row. {directory / FAILED_FILE} names "
        "each; repair them, or go on without them: --max-failed 100%."
    )
