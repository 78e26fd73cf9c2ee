"""A job service over fake models, and clients of it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient
from httpx import Response
from tests.server.fakes import FakeSource, fake_services

from intone.server.app import create_app
from intone.server.jobs.room import JobLimits
from intone.server.jobs.service import JobService
from intone.server.services import Services
from intone.server.settings import Settings

TEXT = "It was late. The river had risen in the night. Nobody had slept at all.\n\nThen it rained."


def job_services(
    folder: Path,
    source: FakeSource | None = None,
    settings: Settings | None = None,
    limits: JobLimits | None = None,
    wall_clock: Callable[[], float] = time.time,
) -> Services:
    """Returns services with jobs, all of it in a folder."""
    services = fake_services(folder, source, settings)
    numbers = count(1)
    jobs = JobService(
        folder / "jobs",
        limits or JobLimits(),
        source=services.source,
        pool=services.pool,
        admission=services.admission,
        library=services.library,
        metrics=services.metrics,
        wall_clock=wall_clock,
        new_id=lambda: f"job{next(numbers)}",
    )
    return replace(services, jobs=jobs)


@contextmanager
def client_of(services: Services) -> Iterator[TestClient]:
    """Yields a client; the server is stopped with the context."""
    with TestClient(create_app(services), raise_server_exceptions=False) as client:
        yield client


def sent(client: TestClient, **body: object) -> dict[str, Any]:
    """Returns a job that was taken."""
    answer = client.post("/v1/audio/jobs", json={"input": TEXT, "seed": 7} | body)
    assert answer.status_code == 202, answer.text
    job: dict[str, Any] = answer.json()
    return job


def ended(client: TestClient, id: object, limit_s: float = 10.0) -> dict[str, Any]:
    """Returns a job when it has ended."""
    deadline_s = time.monotonic() + limit_s
    while time.monotonic() < deadline_s:
        job: dict[str, Any] = client.get(f"/v1/audio/jobs/{id}").json()
        if job["state"] in ("done", "failed"):
            return job
        time.sleep(0.01)
    raise AssertionError(f"{id} did not end: {job}")


def events_of(client: TestClient, id: object, last: int | None = None) -> list[dict[str, Any]]:
    """Returns the events of a job that has ended."""
    headers = {} if last is None else {"Last-Event-ID": str(last)}
    return parsed(client.get(f"/v1/audio/jobs/{id}/events", headers=headers))


def parsed(answer: Response) -> list[dict[str, Any]]:
    """Returns server-sent events as objects with id, event and data."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/event-stream")
    found = []
    for block in answer.text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines())
        if "data" in fields:
            found.append(
                {
                    "id": int(fields["id"]),
                    "event": fields["event"],
                    "data": json.loads(fields["data"]),
                }
            )
    return found
