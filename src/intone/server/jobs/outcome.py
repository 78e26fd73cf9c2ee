"""What follows from an error that ended a start: another one, or the end of the job."""

from __future__ import annotations

import logging

from intone.core.errors import CapacityError, IntoneError, ModelNotFoundError, RequestError
from intone.server.background import WorkStoppedError
from intone.server.busy import BusyError
from intone.server.errors import api_error
from intone.server.jobs.job import MAX_ATTEMPTS, JobProblem
from intone.server.jobs.store import JobStore

REST_S = 5.0
"""Before another attempt, times the attempts so far; and where there was no room."""

_LOG = logging.getLogger("intone.server.jobs")


def keep_end(store: JobStore, job_id: str, error: IntoneError) -> None:
    """Fails a running job or queues it again, as the error has it.

    A stop and a lack of room are no attempts. What is wrong with the request ends the job at once;
    anything else is tried again, `MAX_ATTEMPTS` times without one more piece.
    """
    if isinstance(error, WorkStoppedError):
        store.put_back(job_id, was_attempt=False, problem=None)
    elif isinstance(error, CapacityError):
        wait_s = error.retry_after_s if isinstance(error, BusyError) else REST_S
        store.put_back(job_id, was_attempt=False, wait_s=wait_s, problem=None)
    elif isinstance(error, RequestError | ModelNotFoundError):
        store.fail(job_id, job_problem(error))
    else:
        _attempt_failed(store, job_id, error)


def job_problem(error: IntoneError) -> JobProblem:
    """Returns what the job's owner is told: no path, and nothing of the server's inside."""
    told = api_error(error)
    message = told.message
    if told.code == "internal_error":
        message = "the server failed at this job; its log has the reason under the job's id."
    return JobProblem(code=told.code, message=message)


def _attempt_failed(store: JobStore, job_id: str, error: IntoneError) -> None:
    _LOG.warning("job %s: an attempt failed", job_id, exc_info=error)
    job, problem = store.get(job_id), job_problem(error)
    if job is None:
        return
    if job.num_starts >= MAX_ATTEMPTS:
        store.fail(job_id, problem)
    else:
        wait_s = REST_S * job.num_starts
        store.put_back(job_id, was_attempt=True, wait_s=wait_s, problem=problem)
