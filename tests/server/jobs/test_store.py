"""The queue on disk: states, turns, attempts, events."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from intone.core.errors import OutputError
from intone.server.jobs.job import ENDED, MAX_ATTEMPTS, NEXT_STATES, Job, JobOrder, JobProblem
from intone.server.jobs.store import JobStore

PROBLEM = JobProblem(code="internal_error", message="it broke")


@dataclass
class Clock:
    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[JobStore]:
    store = JobStore(tmp_path, clock)
    yield store
    store.close()


def job(id: str, key_id: str = "a", created_at: float = 1.0) -> Job:
    order = JobOrder(
        kind="text", source="t.txt", title="t", model="fake", voice="ryan", seed=1, cast=None
    )
    return Job(
        id=id, key_id=key_id, order=order, state="queued", created_at=created_at, num_pieces=3
    )


def test_a_job_comes_back_as_it_was_sent(store: JobStore) -> None:
    sent = job("one")
    store.add(sent)
    assert store.get("one") == sent
    assert store.get("two") is None


def test_keys_take_turns_however_many_jobs_each_has(store: JobStore, clock: Clock) -> None:
    for number in range(3):
        store.add(job(f"greedy{number}", "greedy", number))
    store.add(job("modest", "modest", 10))
    started = []
    while (claimed := store.claim()) is not None:
        clock.now += 1
        started.append(claimed.id)
    assert started == ["greedy0", "modest", "greedy1", "greedy2"]


def test_a_job_that_ends_the_process_three_times_without_a_piece_fails(
    tmp_path: Path, clock: Clock
) -> None:
    first = JobStore(tmp_path, clock)
    first.add(job("one"))
    first.close()
    for _ in range(MAX_ATTEMPTS):
        killed = JobStore(tmp_path, clock)
        killed.recover()
        assert killed.claim() is not None
        killed.close()
    last = JobStore(tmp_path, clock)
    assert last.recover() == 1
    assert last.claim() is None
    failed = last.get("one")
    assert failed is not None
    assert failed.state == "failed"
    assert failed.problem is not None
    assert failed.problem.code == "server_ended"
    last.close()


def test_a_finished_piece_gives_a_job_its_attempts_back(store: JobStore) -> None:
    store.add(job("one"))
    for _ in range(2 * MAX_ATTEMPTS):
        assert store.claim() is not None
        store.set_progress("one", num_done=1, num_pieces=3, audio_s=1.0, is_piece=True)
        store.put_back("one", was_attempt=True, problem=PROBLEM)
    assert store.claim() is not None


def test_a_stop_is_no_attempt(store: JobStore) -> None:
    store.add(job("one"))
    for _ in range(2 * MAX_ATTEMPTS):
        assert store.claim() is not None
        store.put_back("one", was_attempt=False, problem=None)
    assert store.claim() is not None


def test_a_job_that_rests_is_started_later(store: JobStore, clock: Clock) -> None:
    store.add(job("one"))
    store.claim()
    store.put_back("one", was_attempt=True, wait_s=5.0, problem=PROBLEM)
    assert store.claim() is None
    assert store.next_start_in_s() == 5.0
    clock.now += 5
    assert store.claim() is not None


def test_events_are_numbered_without_gaps_and_end_with_the_job(store: JobStore) -> None:
    store.add(job("one"))
    store.add(job("two"))
    for number in range(3):
        store.append("one", "segment", {"index": number, "chapter": 1})
    store.append("two", "segment", {"index": 0, "chapter": 1})
    assert [event.number for event in store.events("one")] == [1, 2, 3]
    assert [event.number for event in store.events("one", after=2)] == [3]
    assert store.told_pieces("one") == {(1, 0), (1, 1), (1, 2)}
    store.remove("one")
    assert store.events("one") == ()
    store.append("one", "segment", {})
    assert store.events("one") == ()


def test_the_time_left_is_what_the_last_piece_told(store: JobStore) -> None:
    store.add(job("one"))
    assert store.remaining_s("one") is None
    store.append("one", "progress", {"num_done": 0})
    store.append("one", "segment", {"chapter": 1, "index": 0, "remaining_s": 9.5})
    store.append("one", "segment", {"chapter": 1, "index": 1, "remaining_s": 4.25})
    assert store.remaining_s("one") == 4.25
    store.append("one", "segment", {"chapter": 1, "index": 2, "remaining_s": None})
    assert store.remaining_s("one") is None


def test_another_server_on_the_same_queue_is_refused(store: JobStore, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="another server"):
        JobStore(tmp_path, Clock())


def test_a_file_that_is_no_queue_is_told(tmp_path: Path) -> None:
    (tmp_path / "jobs.sqlite3").write_bytes(b"not a database, and long enough to look like one" * 9)
    with pytest.raises(OutputError, match="cannot be opened"):
        JobStore(tmp_path, Clock())
    (tmp_path / "jobs.sqlite3").unlink()
    JobStore(tmp_path, Clock()).close()  # the refusal left no lock behind


@pytest.mark.parametrize("seed", range(8))
def test_states_only_change_in_the_ways_there_are(seed: int, store: JobStore, clock: Clock) -> None:
    """Whatever happens to a queue in whatever order, nothing is lost and nothing runs twice."""
    rng = random.Random(seed)
    running: set[str] = set()
    before: dict[str, str] = {}
    for step in range(120):
        clock.now += rng.random()
        _change(rng, store, running, f"job{step}")
        found = {one.id: one for one in store.all()}
        assert running == {id for id, one in found.items() if one.state == "running"}
        for id, one in found.items():
            old = before.get(id, "queued")
            assert old == one.state or _can_become(old, one.state)
            assert one.has_ended == (one.ended_at is not None)
            assert one.num_starts <= MAX_ATTEMPTS
        before = {id: one.state for id, one in found.items()}


def _change(rng: random.Random, store: JobStore, running: set[str], new_id: str) -> None:
    some = rng.choice(sorted(running)) if running else None
    step = rng.choice(("add", "claim", "claim", "finish", "fail", "back", "crash", "remove"))
    if step == "add":
        store.add(job(new_id, rng.choice("abc")))
    elif step == "claim":
        claimed = store.claim()
        if claimed is not None:
            assert claimed.id not in running
            running.add(claimed.id)
    elif step == "crash":
        assert store.recover() == len(running)
        running.clear()
    elif some is not None:
        running.discard(some)
        if step == "finish":
            store.finish(some, {})
        elif step == "fail":
            store.fail(some, PROBLEM)
        elif step == "back":
            store.put_back(some, was_attempt=rng.random() < 0.5, wait_s=1.0, problem=None)
        else:
            store.remove(some)


def _can_become(old: str, new: str) -> bool:
    """Whether a state can follow another one, one change or two later (claimed, then failed)."""
    ways = {str(state): {str(one) for one in after} for state, after in NEXT_STATES.items()}
    assert not any(ways[str(state)] for state in ENDED)
    return new in ways[old]
