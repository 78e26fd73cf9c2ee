"""The judge of a soak: each promise that is broken is found."""

from __future__ import annotations

import json
import random

import httpx2
import pytest
from benchmarks.soak.actions import Soak
from benchmarks.soak.judging import judged

METRICS = "intone_running 0.0\nintone_queue_depth 0.0\n"
FLAT = [(float(i), 100.0 + i % 3) for i in range(40)]


@pytest.fixture
def soak() -> Soak:
    client = httpx2.AsyncClient()
    made = Soak("http://nowhere", "key", client, b"", random.Random(0))
    made.statuses = {"a": {200}, "b": {400}, "left": {200, 499}}
    made.sounds = {("Hello.", 1): {"same"}}
    return made


def log(**statuses: int) -> str:
    lines = [
        json.dumps({"message": "request", "request_id": name.rstrip("_"), "status": status})
        for name, status in statuses.items()
    ]
    return "\n".join(["not JSON", *lines])


def problems(soak: Soak, **changed: object) -> list[str]:
    told = {"memory": FLAT, "metrics": METRICS, "log": log(a=200, b=400, left=499), "exit_code": 0}
    return judged(soak, **(told | changed))["problems"]  # type: ignore[arg-type, no-any-return]


def test_a_soak_without_problems_passes(soak: Soak) -> None:
    assert problems(soak) == []


def test_who_left_before_the_request_was_whole_need_not_be_known(soak: Soak) -> None:
    assert problems(soak, log=log(a=200, b=400)) == []


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"log": log(b=400, left=499)}, "not in the log"),
        ({"log": log(a=200, a_=200, b=400, left=499)}, "2 times"),
        ({"log": log(a=500, b=400, left=499)}, "a is 500"),
        ({"memory": [(float(i), 100.0 + i) for i in range(40)]}, "memory grew"),
        ({"metrics": METRICS.replace("running 0.0", "running 1.0")}, "intone_running is 1"),
        ({"exit_code": 1}, "ended with 1"),
    ],
)
def test_a_broken_promise_is_found(soak: Soak, changed: dict[str, object], word: str) -> None:
    (found,) = problems(soak, **changed)

    assert word in found


def test_a_text_that_sounded_in_two_ways_is_found(soak: Soak) -> None:
    soak.sounds[("Hello.", 1)].add("another")

    assert "2 ways" in problems(soak)[0]
