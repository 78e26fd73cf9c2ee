"""The one decode loop and its scheduler, on a runner without a model."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.fakes import FakeRunner, Sink, make_take

from intone.core.constants import SAMPLES_PER_FRAME
from intone.core.errors import CheckpointError
from intone.core.types import join_chunks
from intone.engine.loop import DecodeLoop


def run_until_idle(loop: DecodeLoop, limit: int = 1000) -> None:
    for _ in range(limit):
        if loop.scheduler.is_idle:
            return
        loop.turn()
    raise AssertionError("the loop does not come to rest")


def test_a_take_ends_by_itself_and_its_chunks_join_without_loss() -> None:
    loop = DecodeLoop(FakeRunner())
    take, sink = make_take(seed=6)
    loop.scheduler.add(take)
    run_until_idle(loop)
    assert [chunk.num_frames for chunk in sink.chunks] == [1, 2, 4, 0]
    assert [chunk.start_frame for chunk in sink.chunks] == [0, 1, 3, 7]
    audio = join_chunks(sink.chunks)
    assert audio.finish_reason == "stop"
    frames = audio.samples.reshape(-1, SAMPLES_PER_FRAME)
    np.testing.assert_array_equal(frames[:, 0], np.arange(7))


@pytest.mark.parametrize("ramp", [(1,), (3,), (8,), (24,), (1, 2, 4, 8)])
def test_every_ramp_gives_the_same_take(ramp: tuple[int, ...]) -> None:
    loop = DecodeLoop(FakeRunner())
    take, sink = make_take(seed=5, ramp=ramp)
    loop.scheduler.add(take)
    run_until_idle(loop)
    assert len(join_chunks(sink.chunks).samples) == 6 * SAMPLES_PER_FRAME


def test_the_frame_budget_ends_a_take_as_length() -> None:
    loop = DecodeLoop(FakeRunner())
    take, sink = make_take(seed=6, max_frames=3)
    loop.scheduler.add(take)
    run_until_idle(loop)
    assert sink.reason == "length"
    assert sum(chunk.num_frames for chunk in sink.chunks) == 3


def test_takes_beyond_the_slots_wait_and_join_between_frames() -> None:
    runner = FakeRunner(num_slots=2)
    loop = DecodeLoop(runner)
    takes = [make_take(seed) for seed in (6, 0, 6)]
    for take, _ in takes:
        loop.scheduler.add(take)
    run_until_idle(loop)
    assert [sink.reason for _, sink in takes] == ["stop"] * 3
    assert max(len(slots) for slots in runner.steps) == 2
    assert runner.steps[2] == [0, 1], "the third take joined while the first was running"


def test_cancelling_takes_effect_within_one_frame_and_frees_the_slot() -> None:
    runner = FakeRunner(num_slots=1)
    loop = DecodeLoop(runner)
    (first, first_sink), (second, second_sink) = make_take(seed=6), make_take(seed=0)
    loop.scheduler.add(first)
    loop.scheduler.add(second)
    loop.turn()
    first.cancel()
    loop.turn()
    assert first_sink.reason == "cancelled"
    assert runner.jobs[0] is second.job, "the waiting take got the slot in the same turn"
    run_until_idle(loop)
    assert second_sink.reason == "stop"


def test_a_cancelled_waiting_take_never_runs() -> None:
    runner = FakeRunner(num_slots=1)
    loop = DecodeLoop(runner)
    (first, _), (second, sink) = make_take(seed=6), make_take(seed=3)
    loop.scheduler.add(first)
    loop.scheduler.add(second)
    second.cancel()
    run_until_idle(loop)
    assert sink.reason == "cancelled"
    assert sum(map(len, runner.steps)) == 8


def test_an_error_of_one_take_leaves_the_others_alone() -> None:
    runner = FakeRunner(num_slots=2, fail_on_begin=CheckpointError("broken"))
    loop = DecodeLoop(runner)
    take, sink = make_take(seed=1)
    loop.scheduler.add(take)
    loop.turn()
    assert isinstance(sink.items[-1], CheckpointError)
    runner.fail_on_begin = None
    take, sink = make_take(seed=1)
    loop.scheduler.add(take)
    run_until_idle(loop)
    assert sink.reason == "stop"


@given(
    num_slots=st.integers(1, 4),
    events=st.lists(
        st.one_of(
            st.tuples(st.just("arrive"), st.integers(0, 20), st.integers(1, 10)),
            st.tuples(st.just("cancel"), st.integers(0, 30), st.just(0)),
            st.tuples(st.just("turn"), st.just(0), st.just(0)),
        ),
        max_size=60,
    ),
)
@settings(max_examples=200, deadline=None)
def test_no_arrival_or_cancel_breaks_the_books(
    num_slots: int, events: list[tuple[str, int, int]]
) -> None:
    runner = FakeRunner(num_slots=num_slots)
    loop = DecodeLoop(runner)
    takes: list[tuple[object, Sink]] = []
    for event, number, max_frames in events:
        if event == "arrive":
            take, sink = make_take(seed=number, max_frames=max_frames)
            takes.append((take, sink))
            loop.scheduler.add(take)
        elif event == "cancel" and takes:
            takes[number % len(takes)][0].cancel()
        else:
            loop.turn()
            running = loop.scheduler.running
            assert set(running) == set(runner.jobs), "a slot is running exactly when it is held"
            assert len({id(take) for take in running.values()}) == len(running)
            assert not (loop.scheduler.waiting and len(running) < num_slots and not takes)
    run_until_idle(loop)
    assert not runner.jobs, "every slot is free again"
    for take, sink in takes:
        assert sink.is_over
        made = sum(chunk.num_frames for chunk in sink.chunks)
        expected = min(take.job.seed % 7 + 1, take.max_frames)
        assert made == expected if sink.reason != "cancelled" else made <= expected
