"""The tables of the queue, and a job as a row of one."""

from __future__ import annotations

from typing import Any

from intone.render.json_records import parse_object, record_from
from intone.server.jobs.job import Job, JobOrder, JobProblem

SCHEMA_VERSION = 1
SCHEMA = """
CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    key_id TEXT NOT NULL,
    job_order TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed')),
    created_at REAL NOT NULL,
    started_at REAL,
    ended_at REAL,
    num_starts INTEGER NOT NULL DEFAULT 0,
    num_done INTEGER NOT NULL DEFAULT 0,
    num_pieces INTEGER NOT NULL,
    audio_s REAL NOT NULL DEFAULT 0,
    not_before REAL NOT NULL DEFAULT 0,
    problem TEXT
) STRICT;
CREATE INDEX jobs_by_state ON jobs (state, created_at);
CREATE TABLE events (
    job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    type TEXT NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (job_id, number)
) STRICT, WITHOUT ROWID;
"""
COLUMNS = (
    "id, key_id, job_order, state, created_at, started_at, ended_at, num_starts, num_done, "
    "num_pieces, audio_s, not_before, problem"
)
NEXT = f"""
SELECT {COLUMNS} FROM jobs WHERE state = 'queued' AND not_before <= ?
ORDER BY (SELECT max(other.started_at) FROM jobs AS other WHERE other.key_id = jobs.key_id)
    NULLS FIRST, created_at, rowid LIMIT 1
"""
"""Keys take turns: the one that was served longest ago, and of its jobs the oldest."""


def job_of(row: tuple[Any, ...]) -> Job:
    """Returns the job of a row with `COLUMNS`."""
    (id, key_id, order, state, created_at, started_at, ended_at) = row[:7]
    (num_starts, num_done, num_pieces, audio_s, not_before, problem) = row[7:]
    where = f"job {id}"
    return Job(
        id=id,
        key_id=key_id,
        order=record_from(JobOrder, parse_object(order, where), where),
        state=state,
        created_at=created_at,
        started_at=started_at,
        ended_at=ended_at,
        num_starts=num_starts,
        num_done=num_done,
        num_pieces=num_pieces,
        audio_s=audio_s,
        not_before=not_before,
        problem=None if problem is None else _problem(problem, where),
    )


def _problem(written: str, where: str) -> JobProblem:
    return record_from(JobProblem, parse_object(written, where), where)
