"""The queue on disk: SQLite, one writing process, every change whole or absent.

`DIRECTORY/jobs.sqlite3` in WAL mode. A change is on the disk before it is told to anybody.
"""

from __future__ import annotations

import fcntl
import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import RLock
from typing import BinaryIO

from intone.audio.durable import make_directory
from intone.audio.writer import output_error
from intone.core.errors import OutputError
from intone.render.json_records import to_json
from intone.server.jobs.job import MAX_ATTEMPTS, Job, JobEvent, JobProblem
from intone.server.jobs.rows import COLUMNS, NEXT, SCHEMA, SCHEMA_VERSION, job_of

FILE = "jobs.sqlite3"
_LOCK = "lock"
_BUSY_S = 10.0
_LOST_SERVER = JobProblem(
    code="server_ended",
    message=f"the server ended {MAX_ATTEMPTS} times while it drew the same piece of this job; it "
    "is not tried again. Shorten the piece, or ask whoever runs the server.",
)


class JobStore:
    """The rows of all jobs; may be called from any thread."""

    def __init__(self, directory: Path, clock: Callable[[], float]) -> None:
        """Opens or makes the database, and holds it until `close`.

        Args:
            clock: seconds since 1970.

        Raises:
            OutputError: the directory cannot be written, or another process holds it.
        """
        make_directory(directory)
        self._clock = clock
        self._lock = RLock()
        self._held = _hold(directory)
        try:
            self._db = sqlite3.connect(
                directory / FILE, timeout=_BUSY_S, isolation_level=None, check_same_thread=False
            )
            self._prepare()
        except sqlite3.Error as error:
            self._held.close()
            raise OutputError(
                f"the queue of jobs in {directory} cannot be opened ({error}); use another "
                "directory, or move that file away."
            ) from error

    def close(self) -> None:
        """Closes the database and lets another process have it; a second call does nothing."""
        with self._lock:
            self._db.close()
            self._held.close()

    def add(self, job: Job) -> None:
        """Adds a new job."""
        with self._changing() as db:
            db.execute(
                "INSERT INTO jobs (id, key_id, job_order, state, created_at, num_pieces) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                (
                    job.id,
                    job.key_id,
                    to_json(job.order, indent=None),
                    job.state,
                    job.created_at,
                    job.num_pieces,
                ),
            )

    def get(self, job_id: str) -> Job | None:
        """Returns a job; None where there is none."""
        with self._reading() as db:
            row = db.execute(f"SELECT {COLUMNS} FROM jobs WHERE id = ?", (job_id,))
            found = row.fetchone()
        return None if found is None else job_of(found)

    def all(self, key_id: str | None = None, *, limit: int = -1) -> tuple[Job, ...]:
        """Returns the jobs of a key, or of all, the newest first."""
        where, values = ("", ()) if key_id is None else ("WHERE key_id = ? ", (key_id,))
        query = f"SELECT {COLUMNS} FROM jobs {where}ORDER BY created_at DESC, rowid DESC LIMIT ?"
        with self._reading() as db:
            rows = db.execute(query, (*values, limit)).fetchall()
        return tuple(map(job_of, rows))

    def num_open(self, key_id: str | None = None) -> int:
        """Returns how many jobs of a key, or of all, have not ended."""
        where, values = ("", ()) if key_id is None else (" AND key_id = ?", (key_id,))
        query = f"SELECT count(*) FROM jobs WHERE state IN ('queued', 'running'){where}"
        with self._reading() as db:
            return int(db.execute(query, values).fetchone()[0])

    def recover(self) -> int:
        """Queues again what ran when the last process ended; returns how many."""
        with self._changing() as db:
            changed = db.execute("UPDATE jobs SET state = 'queued' WHERE state = 'running'")
            return changed.rowcount

    def claim(self) -> Job | None:
        """Returns the next job, now running; None where none may start."""
        while True:
            with self._changing() as db:
                row = db.execute(NEXT, (self._clock(),)).fetchone()
                if row is None:
                    return None
                job = job_of(row)
                if job.num_starts < MAX_ATTEMPTS:
                    started = replace(
                        job.moved("running"),
                        started_at=self._clock(),
                        num_starts=job.num_starts + 1,
                    )
                    self._write(started)
                    return started
            self.fail(job.id, job.problem or _LOST_SERVER)

    def next_start_in_s(self) -> float | None:
        """Returns in how many seconds a queued job may be started; None where none waits."""
        with self._reading() as db:
            row = db.execute("SELECT min(not_before) FROM jobs WHERE state = 'queued'")
            found = row.fetchone()[0]
        return None if found is None else max(0.0, float(found) - self._clock())

    def put_back(
        self, job_id: str, *, was_attempt: bool, wait_s: float = 0.0, problem: JobProblem | None
    ) -> None:
        """Queues a running job again.

        Args:
            was_attempt: whether this start counts.
            wait_s: how long it rests.
            problem: what ended the start.
        """
        with self._changing():
            job = self.get(job_id)
            if job is not None:
                num_starts = job.num_starts if was_attempt else max(0, job.num_starts - 1)
                self._write(
                    replace(
                        job.moved("queued"),
                        num_starts=num_starts,
                        not_before=self._clock() + wait_s if wait_s else 0.0,
                        problem=problem,
                    )
                )

    def finish(self, job_id: str, data: Mapping[str, object]) -> None:
        """Ends a job well; `data` is what its last event tells."""
        with self._changing():
            job = self.get(job_id)
            if job is not None:
                ended = replace(job.moved("done"), ended_at=self._clock(), problem=None)
                self._write(ended)
                self._append(job_id, "done", data)

    def fail(self, job_id: str, problem: JobProblem) -> None:
        """Ends a job with what was wrong."""
        with self._changing():
            job = self.get(job_id)
            if job is not None:
                ended = replace(job.moved("failed"), ended_at=self._clock(), problem=problem)
                self._write(ended)
                told = {"code": problem.code, "message": problem.message}
                self._append(job_id, "failed", {"error": told})

    def set_progress(
        self, job_id: str, *, num_done: int, num_pieces: int, audio_s: float, is_piece: bool
    ) -> None:
        """Keeps how far a job is; a finished piece makes its start the first one again."""
        with self._changing():
            job = self.get(job_id)
            if job is not None:
                self._write(
                    replace(
                        job,
                        num_done=num_done,
                        num_pieces=num_pieces,
                        audio_s=audio_s,
                        num_starts=1 if is_piece else job.num_starts,
                    )
                )

    def append(self, job_id: str, type: str, data: Mapping[str, object]) -> None:
        """Appends an event; of a job that was deleted there are none."""
        with self._changing():
            if self.get(job_id) is not None:
                self._append(job_id, type, data)

    def events(self, job_id: str, after: int = 0, limit: int = -1) -> tuple[JobEvent, ...]:
        """Returns the events of a job behind a number, in order."""
        query = (
            "SELECT number, type, data FROM events WHERE job_id = ? AND number > ? "
            "ORDER BY number LIMIT ?"
        )
        with self._reading() as db:
            rows = db.execute(query, (job_id, after, limit)).fetchall()
        return tuple(JobEvent(number=row[0], type=row[1], data=row[2]) for row in rows)

    def remaining_s(self, job_id: str) -> float | None:
        """Returns the seconds that the last finished piece left; None before the first one."""
        query = (
            "SELECT json_extract(data, '$.remaining_s') FROM events "
            "WHERE job_id = ? AND type = 'segment' ORDER BY number DESC LIMIT 1"
        )
        with self._reading() as db:
            row = db.execute(query, (job_id,)).fetchone()
        return None if row is None or row[0] is None else float(row[0])

    def told_pieces(self, job_id: str) -> frozenset[tuple[int, int]]:
        """Returns chapter and index of the pieces that segment events tell of."""
        query = (
            "SELECT json_extract(data, '$.chapter'), json_extract(data, '$.index') FROM events "
            "WHERE job_id = ? AND type = 'segment'"
        )
        with self._reading() as db:
            return frozenset(db.execute(query, (job_id,)).fetchall())

    def remove(self, job_id: str) -> None:
        """Removes a job with its events, in any state."""
        with self._changing() as db:
            db.execute("DELETE FROM jobs WHERE id = ?", (job_id,))

    def ended_before(self, time: float) -> tuple[Job, ...]:
        """Returns the jobs that ended before a time."""
        query = f"SELECT {COLUMNS} FROM jobs WHERE ended_at < ?"
        with self._reading() as db:
            return tuple(map(job_of, db.execute(query, (time,)).fetchall()))

    def _write(self, job: Job) -> None:
        self._db.execute(
            "UPDATE jobs SET state = ?, started_at = ?, ended_at = ?, num_starts = ?, "
            "num_done = ?, num_pieces = ?, audio_s = ?, not_before = ?, problem = ? WHERE id = ?",
            (
                job.state,
                job.started_at,
                job.ended_at,
                job.num_starts,
                job.num_done,
                job.num_pieces,
                job.audio_s,
                job.not_before,
                None if job.problem is None else to_json(job.problem, indent=None),
                job.id,
            ),
        )

    def _append(self, job_id: str, type: str, data: Mapping[str, object]) -> None:
        self._db.execute(
            "INSERT INTO events SELECT ?, coalesce(max(number), 0) + 1, ?, ? FROM events "
            "WHERE job_id = ?",
            (job_id, type, json.dumps(data, ensure_ascii=False), job_id),
        )

    def _prepare(self) -> None:
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("PRAGMA foreign_keys = ON")
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            self._db.executescript(
                f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
            )
        elif version != SCHEMA_VERSION:
            raise sqlite3.DatabaseError(
                f"it has schema {version}, this version reads {SCHEMA_VERSION}"
            )

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock, _told():
            yield self._db

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        """One change: kept whole when the block ends, undone when it raises."""
        with self._lock, _told():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise


@contextmanager
def _told() -> Iterator[None]:
    """Turns what SQLite raises, on a full disk for example, into an error of ours."""
    try:
        yield
    except sqlite3.Error as error:
        raise OutputError(
            f"the queue of jobs cannot be used ({error}); see that its disk has room."
        ) from error


def _hold(directory: Path) -> BinaryIO:
    try:
        file = (directory / _LOCK).open("ab")
    except OSError as error:
        raise output_error(str(directory), error) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.close()
        raise OutputError(
            f"another server works on the jobs in {directory}; give this one a folder of its own "
            "(jobs.directory, INTONE_JOBS__DIRECTORY), turn its jobs off (jobs.enabled), or stop "
            "the other."
        ) from error
    return file
