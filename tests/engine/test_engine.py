"""The thread around the loop: many callers, capacity, failure, closing."""

from __future__ import annotations

import threading
import time

import pytest
from tests.engine.fakes import FakeRunner, Sink, make_take

from intone.core.errors import CapacityError, EngineStoppedError
from intone.engine.engine import Engine


def wait_for(sink: Sink, timeout_s: float = 5.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not sink.is_over:
        assert time.monotonic() < deadline, "the take did not end"
        time.sleep(0.001)


def test_many_threads_share_one_engine() -> None:
    engine = Engine(FakeRunner(num_slots=4))
    sinks = []

    def submit(seed: int) -> None:
        take, sink = make_take(seed)
        sinks.append(sink)
        engine.submit(take)

    threads = [threading.Thread(target=submit, args=(seed,)) for seed in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for sink in sinks:
        wait_for(sink)
    assert [sink.reason for sink in sinks] == ["stop"] * 20
    engine.close()


def test_closing_ends_takes_as_cancelled_and_frees_the_runner() -> None:
    runner = FakeRunner()
    engine = Engine(runner)
    take, sink = make_take(seed=6, max_frames=10**9)
    engine.submit(take)
    engine.close()
    assert sink.is_over
    assert sink.reason in ("cancelled", "stop")
    assert runner.is_closed
    with pytest.raises(EngineStoppedError, match="closed"):
        engine.submit(make_take(seed=1)[0])


def test_a_failed_step_reaches_every_caller_and_later_ones() -> None:
    runner = FakeRunner(fail_on_step=RuntimeError("out of memory"))
    engine = Engine(runner)
    take, sink = make_take(seed=1)
    engine.submit(take)
    wait_for(sink)
    error = sink.items[-1]
    assert isinstance(error, EngineStoppedError)
    assert "out of memory" in str(error)
    with pytest.raises(EngineStoppedError, match="out of memory"):
        engine.submit(make_take(seed=1)[0])
    engine.close()


def test_a_full_queue_refuses() -> None:
    gate = threading.Event()

    class SlowRunner(FakeRunner):
        def step(self, slots):  # type: ignore[no-untyped-def]
            gate.wait(5)
            return super().step(slots)

    engine = Engine(SlowRunner(num_slots=1), max_waiting=2)
    engine.submit(make_take(0)[0])
    deadline = time.monotonic() + 5
    while not engine._loop.scheduler.running:
        assert time.monotonic() < deadline
        time.sleep(0.001)
    for seed in (1, 2):
        engine.submit(make_take(seed)[0])
    with pytest.raises(CapacityError, match="2 requests are waiting"):
        engine.submit(make_take(3)[0])
    gate.set()
    engine.close()
