"""The one decode loop and its scheduler, on a runner without a model."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.fakes import FakeRunner, InTurns, Sink

from intone.core.constants import SAMPLES_PER_FRAME
from intone.core.errors import CheckpointError
from intone.core.types import join_chunks
from intone.engine.take import MAX_FRAMES_AHEAD, Take


def test_a_take_ends_by_itself_and_its_chunks_join_without_loss() -> None:
    engine = InTurns()
    _, sink = engine.start(seed=6)
    engine.run_until_idle()
    assert [chunk.num_frames for chunk in sink.chunks] == [1, 2, 4, 0]
    assert [chunk.start_frame for chunk in sink.chunks] == [0, 1, 3, 7]
    audio = join_chunks(sink.chunks)
    assert audio.finish_reason == "stop"
    frames = audio.samples.reshape(-1, SAMPLES_PER_FRAME)
    np.testing.assert_allclose(frames[:, 0], np.arange(7) + 0.006)


@pytest.mark.parametrize("ramp", [(1,), (3,), (8,), (24,), (1, 2, 4, 8)])
def test_every_ramp_gives_the_same_take(ramp: tuple[int, ...]) -> None:
    engine = InTurns()
    _, sink = engine.start(seed=5, ramp=ramp)
    engine.run_until_idle()
    assert sink.heard == [frame + 0.005 for frame in range(6)]


def test_the_frame_budget_ends_a_take_as_length() -> None:
    engine = InTurns()
    _, sink = engine.start(seed=6, max_frames=3)
    engine.run_until_idle()
    assert sink.reason == "length"
    assert sum(chunk.num_frames for chunk in sink.chunks) == 3


def test_takes_beyond_the_slots_wait_and_join_between_frames() -> None:
    engine = InTurns(FakeRunner(num_slots=2))
    takes = [engine.start(seed) for seed in (6, 0, 6)]
    engine.run_until_idle()
    assert [sink.reason for _, sink in takes] == ["stop"] * 3
    assert max(len(slots) for slots in engine.runner.steps) == 2
    assert engine.runner.steps[2] == [0, 1], "the third take joined while the first was running"


def test_cancelling_takes_effect_within_one_frame_and_frees_the_slot() -> None:
    engine = InTurns(FakeRunner(num_slots=1))
    (first, first_sink), (second, second_sink) = engine.start(seed=6), engine.start(seed=0)
    engine.make_frames()
    first.cancel()
    engine.make_frames()
    engine.make_audio()
    assert first_sink.reason == "cancelled"
    assert engine.runner.jobs[0] is second.job, "the waiting take got the slot in the same turn"
    engine.run_until_idle()
    assert second_sink.reason == "stop"


def test_a_cancelled_waiting_take_never_runs() -> None:
    engine = InTurns(FakeRunner(num_slots=1))
    engine.start(seed=6)
    second, sink = engine.start(seed=3)
    second.cancel()
    engine.run_until_idle()
    assert sink.reason == "cancelled"
    assert sum(map(len, engine.runner.steps)) == 8


def test_an_error_of_one_take_leaves_the_others_alone() -> None:
    engine = InTurns(FakeRunner(num_slots=2, fail_on_begin=CheckpointError("broken")))
    _, sink = engine.start(seed=1)
    engine.make_frames()
    engine.make_audio()
    assert isinstance(sink.items[-1], CheckpointError)
    engine.runner.fail_on_begin = None
    _, sink = engine.start(seed=1)
    engine.run_until_idle()
    assert sink.reason == "stop"


def test_a_take_cancelled_before_its_prefill_fails_is_told_once() -> None:
    engine = InTurns(FakeRunner(num_slots=1, fail_on_begin=CheckpointError("broken")))
    take, sink = engine.start(seed=1)

    def begin_late(slot: int, job: object) -> None:
        take.cancel()
        engine.make_audio()
        raise CheckpointError("broken")

    engine.runner.begin = begin_late
    engine.make_frames()
    engine.run_until_idle()
    assert [chunk.finish_reason for chunk in sink.items] == ["cancelled"]


def test_the_loop_waits_at_the_limit_and_loses_nothing() -> None:
    engine = InTurns(FakeRunner(is_endless=True))
    _, sink = engine.start(seed=1, max_frames=100, ramp=(8,))
    engine.make_frames(turns=500)
    assert engine.runner.frames[0] == MAX_FRAMES_AHEAD
    assert not engine.loop.has_work, "the engine may sleep until the codec has caught up"
    engine.make_audio(turns=2)  # opening, then one chunk
    assert engine.loop.has_work
    engine.make_frames(turns=500)
    assert engine.runner.frames[0] == MAX_FRAMES_AHEAD + 8
    engine.run_until_idle()
    assert sink.reason == "length"
    assert sink.heard == [round(frame + 0.001, 3) for frame in range(100)]


def test_a_take_that_is_ahead_holds_nobody_up() -> None:
    engine = InTurns(FakeRunner(is_endless=True))
    engine.start(seed=1, max_frames=1000, ramp=(4,))
    engine.make_frames(turns=MAX_FRAMES_AHEAD)
    engine.start(seed=2, max_frames=1000, ramp=(4,))
    engine.make_frames(turns=20)
    assert engine.runner.frames == {0: MAX_FRAMES_AHEAD, 1: 20}
    assert engine.runner.steps[-1] == [1]


def test_a_chunk_longer_than_the_limit_is_made() -> None:
    engine = InTurns(FakeRunner(is_endless=True))
    _, sink = engine.start(seed=1, max_frames=700, ramp=(300,))
    engine.run_until_idle()
    assert [chunk.num_frames for chunk in sink.chunks] == [300, 300, 100]


def test_a_cancelled_take_at_the_limit_frees_its_slot() -> None:
    engine = InTurns(FakeRunner(num_slots=1, is_endless=True))
    take, sink = engine.start(seed=1, max_frames=1000)
    engine.make_frames(turns=500)
    assert not engine.loop.has_work
    take.cancel()
    assert engine.loop.has_work
    engine.run_until_idle()
    assert sink.reason == "cancelled"
    assert not engine.runner.jobs


def test_a_slot_is_reused_before_the_former_take_is_audio() -> None:
    engine = InTurns(FakeRunner(num_slots=1))
    _, first = engine.start(seed=3, ramp=(1,))
    _, second = engine.start(seed=4, ramp=(1,))
    engine.make_frames(turns=6)
    assert engine.runner.jobs[0].seed == 4
    assert not first.items, "the first take's codec has not even begun"
    engine.run_until_idle()
    assert first.heard == [frame + 0.003 for frame in range(4)]
    assert second.heard == [frame + 0.004 for frame in range(5)]


def test_takes_whose_audio_is_owed_are_bounded() -> None:
    engine = InTurns(FakeRunner(num_slots=2))
    sinks = [engine.start(seed=0)[1] for _ in range(20)]
    engine.make_frames(turns=100)
    assert engine.codec.num_takes == 4, "two slots, and as many takes that only owe audio"
    assert not engine.loop.has_work
    engine.run_until_idle()
    assert [sink.reason for sink in sinks] == ["stop"] * 20


@given(
    num_slots=st.integers(1, 4),
    events=st.lists(
        st.one_of(
            st.tuples(st.just("arrive"), st.integers(0, 20), st.integers(1, 10)),
            st.tuples(st.just("cancel"), st.integers(0, 30), st.just(0)),
            st.tuples(st.just("frames"), st.just(0), st.just(0)),
            st.tuples(st.just("audio"), st.just(0), st.just(0)),
        ),
        max_size=60,
    ),
)
@settings(max_examples=200, deadline=None)
def test_no_arrival_or_cancel_breaks_the_books(
    num_slots: int, events: list[tuple[str, int, int]]
) -> None:
    engine = InTurns(FakeRunner(num_slots=num_slots))
    takes: list[tuple[Take, Sink]] = []
    for event, number, max_frames in events:
        if event == "arrive":
            takes.append(engine.start(seed=number, max_frames=max_frames))
        elif event == "cancel" and takes:
            takes[number % len(takes)][0].cancel()
        elif event == "audio":
            engine.make_audio()
        else:
            engine.make_frames()
            running = engine.loop.scheduler.running
            assert set(running) == set(engine.runner.jobs), "a slot is held exactly when it runs"
            assert len({id(take) for take in running.values()}) == len(running)
            assert engine.codec.num_takes <= 2 * num_slots
    engine.run_until_idle()
    assert not engine.runner.jobs, "every slot is free again"
    for take, sink in takes:
        assert sink.is_over
        expected = [
            round(frame + take.job.seed / 1000, 3)
            for frame in range(min(take.job.seed % 7 + 1, take.max_frames))
        ]
        assert sink.heard == (
            expected if sink.reason != "cancelled" else expected[: len(sink.heard)]
        )
