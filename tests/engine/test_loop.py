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

    def begin_late(starts: object) -> None:
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
    num_pages=st.integers(7, 24),
    lag_frames=st.integers(0, 1),
    prefill_rows=st.integers(1, 12),
    events=st.lists(
        st.one_of(
            st.tuples(st.just("arrive"), st.integers(0, 20), st.integers(1, 10), st.integers(1, 9)),
            st.tuples(st.just("cancel"), st.integers(0, 30), st.just(0), st.just(0)),
            st.tuples(st.just("frames"), st.just(0), st.just(0), st.just(0)),
            st.tuples(st.just("audio"), st.just(0), st.just(0), st.just(0)),
        ),
        max_size=60,
    ),
)
@settings(max_examples=300, deadline=None)
def test_no_arrival_or_cancel_breaks_the_books(
    num_slots: int,
    num_pages: int,
    lag_frames: int,
    prefill_rows: int,
    events: list[tuple[str, int, int, int]],
) -> None:
    """Pages of three rows: takes of up to 19 grow into each other and lose their slots."""
    runner = FakeRunner(
        num_slots=num_slots, num_pages=num_pages, page_positions=3, lag_frames=lag_frames
    )
    engine = InTurns(runner, prefill_rows=prefill_rows)
    takes: list[tuple[Take, Sink]] = []
    for event, number, max_frames, num_rows in events:
        if event == "arrive":
            takes.append(engine.start(seed=number, max_frames=max_frames, num_rows=num_rows))
        elif event == "cancel" and takes:
            takes[number % len(takes)][0].cancel()
        elif event == "audio":
            engine.make_audio()
        else:
            had_work, before = engine.loop.has_work, (len(runner.steps), len(runner.begun))
            engine.make_frames()
            assert had_work or before == (len(runner.steps), len(runner.begun)), "it slept in vain"
            check_books(engine)
    engine.run_until_idle()
    assert not runner.jobs, "every slot is free again"
    assert engine.loop.scheduler.num_free_pages == num_pages, "every page is free again"
    for take, sink in takes:
        assert sink.is_over
        expected = [
            round(frame + take.job.seed / 1000, 3)
            for frame in range(min(take.job.seed % 7 + 1, take.max_frames))
        ]
        assert sink.heard == (
            expected if sink.reason != "cancelled" else expected[: len(sink.heard)]
        )


def check_books(engine: InTurns) -> None:
    """What engine and runner believe of slots and pages is the same, and nothing is held twice."""
    runner, seats = engine.runner, engine.loop.scheduler.seats
    assert {seat.slot for seat in seats} == set(runner.jobs), "a slot is held exactly when it runs"
    assert len({id(seat.take) for seat in seats}) == len(seats)
    held = [page for seat in seats for page in seat.pages]
    assert len(set(held)) == len(held), "a page has one holder"
    assert engine.loop.scheduler.num_free_pages == runner.pages.num_pages - len(held)
    assert {seat.slot: seat.pages for seat in seats} == runner.lent
    waiting = engine.loop.scheduler.waiting
    assert all(seat.take not in waiting for seat in seats)
    in_codec = engine.codec.num_takes
    assert in_codec <= 2 * runner.num_slots


def test_where_memory_runs_out_the_last_comer_gives_way_and_is_not_drawn_again() -> None:
    runner = FakeRunner(num_slots=2, num_pages=6, page_positions=2, is_endless=True)
    engine = InTurns(runner)
    first, heard_first = engine.start(seed=1, max_frames=10, num_rows=2)
    second, heard_second = engine.start(seed=2, max_frames=10, num_rows=2)
    engine.run_until_idle()
    assert runner.num_resumed > 0, "memory sufficed: the test proves nothing"
    for take, sink in ((first, heard_first), (second, heard_second)):
        assert sink.reason == "length"
        assert sink.heard == [round(f + take.job.seed / 1000, 3) for f in range(10)]
    frames = [chunk.timing.wall_s for chunk in heard_first.chunks]
    assert frames[-1] < heard_second.chunks[-1].timing.wall_s, "who came first is not held up"


@pytest.mark.parametrize("lag_frames", [0, 1])
def test_a_take_that_lost_its_memory_comes_back_when_it_can_go_on_and_not_before(
    lag_frames: int,
) -> None:
    """The first take waits for the codec with all the memory that it will ever need."""
    runner = FakeRunner(
        num_slots=2, num_pages=4, page_positions=40, is_endless=True, lag_frames=lag_frames
    )
    engine = InTurns(runner)
    _, first = engine.start(seed=1, max_frames=79, num_rows=1)
    _, second = engine.start(seed=2, max_frames=90, num_rows=30)
    engine.make_frames(turns=200)
    assert runner.begun == [[1, 30]], "it was read again, to be sent away at once"
    engine.run_until_idle()
    assert (first.reason, second.reason) == ("length", "length")
    assert len(runner.begun) == 2


def test_a_take_without_a_slot_that_is_cancelled_is_told_once() -> None:
    """It has a line in the codec already, which tells it; the loop must not do so too."""
    runner = FakeRunner(num_slots=2, num_pages=6, page_positions=2, is_endless=True)
    engine = InTurns(runner)
    engine.start(seed=1, max_frames=10, num_rows=2)
    second, sink = engine.start(seed=2, max_frames=10, num_rows=2)
    while second not in engine.loop.scheduler.waiting or not second.is_opened:
        engine.make_frames()
    second.cancel()
    engine.run_until_idle()
    assert sink.reason == "cancelled"


def test_prompts_are_read_within_a_budget_between_two_frames() -> None:
    runner = FakeRunner(num_slots=8, page_positions=64, is_endless=True)
    engine = InTurns(runner, prefill_rows=64)
    for seed, num_rows in enumerate((30, 30, 10, 50, 63, 1)):
        engine.start(seed=seed, num_rows=num_rows, max_frames=20)
    engine.make_frames(turns=6)
    assert runner.begun == [[30, 30], [10, 50], [63, 1]]
    assert len(runner.steps) == 6, "frames go on between prefills"


def test_frames_of_the_next_step_are_asked_for_before_the_last_are_read() -> None:
    runner = FakeRunner(num_slots=1, lag_frames=1)
    engine = InTurns(runner)
    take, _ = engine.start(seed=3)
    engine.make_frames()
    assert (len(runner.steps), take.num_frames) == (1, 0)
    engine.make_frames()
    assert (len(runner.steps), take.num_frames) == (2, 1)


@pytest.mark.parametrize("max_frames", [1, 2, 5])
def test_no_frame_beyond_the_budget_is_asked_for(max_frames: int) -> None:
    runner = FakeRunner(num_slots=1, lag_frames=1, is_endless=True)
    engine = InTurns(runner)
    _, sink = engine.start(seed=3, max_frames=max_frames)
    engine.run_until_idle()
    assert sink.reason == "length"
    assert len(runner.steps) == max_frames


def test_the_frame_under_way_when_a_take_ends_goes_to_nobody() -> None:
    """Its slot is given to the next take before that frame is read."""
    runner = FakeRunner(num_slots=1, lag_frames=1)
    engine = InTurns(runner)
    sinks = [engine.start(seed=seed)[1] for seed in (0, 1, 2)]
    engine.run_until_idle()
    assert sum(map(len, runner.steps)) == 2 + 3 + 4 + 3, "one too many for each take"
    assert [sink.heard for sink in sinks] == [
        [round(f + seed / 1000, 3) for f in range(seed + 1)] for seed in range(3)
    ]
