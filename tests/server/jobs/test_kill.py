"""`kill -9` during ten jobs: all finish after a restart, no segment drawn twice, none missing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[3]
NUM_JOBS = 10
TEXT = "".join(f"Sentence number {n} is long enough to be a piece. " * 6 + "\n\n" for n in "abcde")


def test_jobs_that_a_kill_interrupts_all_finish_and_no_segment_is_drawn_twice(
    tmp_path: Path,
) -> None:
    with _server(tmp_path, frame_s=0.004) as (process, client):
        ids = [_send(client, seed) for seed in range(NUM_JOBS)]
        _until(lambda: _num_done(client) >= 3)
        _kill(process)
    with _server(tmp_path, frame_s=0.004) as (process, client):
        _until(lambda: _num_done(client) >= 12)
        _kill(process)
    before = {id: _journal(tmp_path, id) for id in ids}
    assert sum(map(len, before.values())) >= 12
    with _server(tmp_path, frame_s=0.0) as (_, client):
        _until(lambda: all(job["state"] == "done" for job in _jobs(client)))
        jobs = {str(job["id"]): job for job in _jobs(client)}
        assert jobs.keys() == set(ids)
        sounds = [client.get(f"/v1/audio/jobs/{id}/result").content for id in ids]
        again = _send(client, seed=0)
        _until(lambda: all(job["state"] == "done" for job in _jobs(client)))
        undisturbed = client.get(f"/v1/audio/jobs/{again}/result").content
    for id in ids:
        drawn = _journal(tmp_path, id)
        assert drawn == sorted(set(drawn)), "a segment was drawn twice"
        assert len(drawn) == jobs[id]["num_pieces"], "a segment is missing"
        assert drawn[: len(before[id])] == before[id]
    assert sounds[0] == undisturbed
    assert len(set(sounds)) == NUM_JOBS


@contextmanager
def _server(folder: Path, frame_s: float) -> Iterator[tuple[subprocess.Popen[bytes], httpx.Client]]:
    port_file = folder / "port"
    port_file.unlink(missing_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.server.jobs.server_process", str(folder), str(frame_s)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    try:
        _until(port_file.exists)
        port = port_file.read_text(encoding="ascii")
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10.0) as client:
            yield process, client
    finally:
        process.kill()
        process.wait()


def _kill(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()


def _send(client: httpx.Client, seed: int) -> str:
    answer = client.post("/v1/audio/jobs", json={"input": TEXT, "seed": seed})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def _jobs(client: httpx.Client) -> list[dict[str, object]]:
    found: list[dict[str, object]] = client.get("/v1/audio/jobs").json()["data"]
    assert not [job for job in found if job["state"] == "failed"], found
    return found


def _num_done(client: httpx.Client) -> int:
    return sum(int(str(job["num_done"])) for job in _jobs(client))


def _journal(folder: Path, id: str) -> list[tuple[int, int]]:
    path = folder / "jobs" / id / "out" / ".segments" / "journal.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    pieces = map(json.loads, lines)
    return [(piece["chapter"], piece["index"]) for piece in pieces]


def _until(is_so: Callable[[], bool], limit_s: float = 20.0) -> None:
    deadline_s = time.monotonic() + limit_s
    while not is_so():
        assert time.monotonic() < deadline_s, "it did not come to that"
        time.sleep(0.02)
