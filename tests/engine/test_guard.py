"""It ends: takes that loop, hum, fall silent or babble on are stopped, and others lose nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.fakes import InTurns
from tests.engine.scripted import (
    DIGITAL_SILENCE,
    ENDLESS,
    PLAN,
    ScriptedDecoder,
    ScriptedRunner,
    drone,
    faded,
    first_codebook_loop,
    frames,
    hum,
    loop,
    play,
    play_on_threads,
    silence,
    sound_of,
    speech,
)

from intone.core.types import Codes, join_chunks
from intone.engine.guard import BABBLE_HELD_FRAMES, GuardPlan
from intone.engine.take import MAX_FRAMES_AHEAD
from intone.text.duration import expected_duration

STREAMED = (1, 2, 4, 8)
WHOLE = (24,)
MOST_FRAMES_FOR_NOTHING = 50 + MAX_FRAMES_AHEAD + WHOLE[0]

TROUBLE = {
    "a frozen frame": ("loop", loop(ENDLESS, 1), 1),
    "a short loop": ("loop", loop(ENDLESS, 7), 7),
    "a long loop": ("loop", loop(ENDLESS, 25), 25),
    "a loop of codebook 0": ("first_codebook_loop", first_codebook_loop(ENDLESS, 3), 3 + 12),
    "silence": ("silence", silence(ENDLESS), 3),
    "digital silence": ("silence", np.tile(frames([DIGITAL_SILENCE]), (ENDLESS, 1)), 3),
    "a hum": ("hum", hum(ENDLESS), 3),
    "a drone": ("drone", drone(ENDLESS), 12),
}
"""Rule that fires, frames, and how many of these are good."""

troubles = pytest.mark.parametrize(("rule", "trouble", "good"), TROUBLE.values(), ids=TROUBLE)
ramps = pytest.mark.parametrize("ramp", [STREAMED, WHOLE], ids=["streamed", "whole"])


@troubles
@ramps
def test_a_take_is_cut_where_its_trouble_began(
    rule: str, trouble: Codes, good: int, ramp: tuple[int, ...]
) -> None:
    played = play(np.concatenate([speech(60), trouble]), ramp=ramp)
    assert (played.reason, played.fired_by) == ("guard", rule)
    np.testing.assert_array_equal(
        played.samples, faded(np.concatenate([speech(60), trouble[: good + 1]]))
    )
    assert played.frames_made <= 60 + good + MOST_FRAMES_FOR_NOTHING


@troubles
@ramps
@pytest.mark.parametrize("overlap", [True, False], ids=["overlap", "in turns"])
def test_threads_give_what_one_thread_gives(
    rule: str, trouble: Codes, good: int, ramp: tuple[int, ...], overlap: bool
) -> None:
    script = np.concatenate([speech(60), trouble])
    played = play_on_threads(script, ramp=ramp, overlap=overlap)
    assert (played.reason, played.fired_by) == ("guard", rule)
    np.testing.assert_array_equal(played.samples, play(script).samples)
    assert played.frames_made <= 60 + good + MOST_FRAMES_FOR_NOTHING


@ramps
def test_babble_is_cut_before_its_budget_is_full(ramp: tuple[int, ...]) -> None:
    played = play(speech(ENDLESS), ramp=ramp)
    assert (played.reason, played.fired_by) == ("guard", "babble")
    good = PLAN.budget_frames - BABBLE_HELD_FRAMES
    np.testing.assert_array_equal(played.samples, faded(speech(ENDLESS)[: good + 1]))


def test_a_take_that_just_fits_its_budget_is_whole() -> None:
    played = play(speech(PLAN.budget_frames))
    assert played.reason == "stop"
    np.testing.assert_array_equal(played.samples, sound_of(speech(PLAN.budget_frames)))


def test_without_a_guard_trouble_goes_on() -> None:
    script = np.concatenate([speech(60), silence(ENDLESS)])
    played = play(script, plan=None)
    assert played.reason == "stop"
    np.testing.assert_array_equal(played.samples, sound_of(script))


@pytest.mark.parametrize(("spoken", "pause"), [(10, 36), (30, 30), (60, 24)])
def test_a_pause_inside_a_text_is_natural_and_the_longer_the_less_was_spoken(
    spoken: int, pause: int
) -> None:
    for still in (silence, hum):
        kept = np.concatenate([speech(spoken), still(pause), speech(20, seed=9)])
        played = play(kept)
        assert played.reason == "stop"
        np.testing.assert_array_equal(played.samples, sound_of(kept))
        stopped = play(np.concatenate([speech(spoken), still(pause + 1), speech(20, seed=9)]))
        assert stopped.reason == "guard"


def test_a_pause_whose_codes_repeat_is_a_pause() -> None:
    pause = np.tile(frames([60]), (24, 1))
    kept = np.concatenate([speech(60), pause, speech(20, seed=9)])
    assert play(kept).reason == "stop"


def test_a_held_vowel_is_no_drone_and_a_whisper_no_silence() -> None:
    vowel = np.concatenate([speech(60), drone(49), speech(5)])
    whisper = speech(100)
    whisper[:, 1] += 25
    breathed = np.concatenate([whisper[:61], frames([51, 56] * 20), whisper[61:81]])
    for script in (vowel, whisper, breathed):
        played = play(script)
        assert played.reason == "stop"
        np.testing.assert_array_equal(played.samples, sound_of(script))


@given(
    parts=st.lists(
        st.tuples(st.integers(1, 40), st.integers(0, 24), st.sampled_from([silence, hum])),
        min_size=1,
        max_size=4,
    ),
    ramp=st.lists(st.integers(1, 30), min_size=1, max_size=5).map(tuple),
)
@settings(max_examples=60, deadline=None)
def test_normal_takes_lose_nothing(parts, ramp) -> None:  # type: ignore[no-untyped-def]
    pieces = [
        piece
        for seed, (spoken, paused, still) in enumerate(parts)
        for piece in (speech(spoken, seed), still(paused))
    ]
    script = np.concatenate(pieces)[: PLAN.budget_frames]
    played = play(script, ramp=ramp)
    assert played.reason == "stop"
    np.testing.assert_array_equal(played.samples, sound_of(script))


@given(
    parts=st.lists(
        st.tuples(
            st.sampled_from(
                [
                    speech,
                    silence,
                    hum,
                    drone,
                    lambda count: loop(count, 1),
                    lambda count: loop(count, 5),
                    lambda count: first_codebook_loop(count, 2),
                ]
            ),
            st.integers(1, 60),
        ),
        min_size=1,
        max_size=6,
    ),
    ramp=st.lists(st.integers(1, 30), min_size=1, max_size=5).map(tuple),
    others=st.integers(0, 3),
)
@settings(max_examples=80, deadline=None)
def test_what_is_heard_depends_on_the_frames_alone(parts, ramp, others) -> None:  # type: ignore[no-untyped-def]
    script = np.concatenate([make(count) for make, count in parts])
    company = [speech(20 * (n + 1), seed=n) for n in range(others)]
    one_by_one = play(script, ramp=(1,))
    played = play(script, ramp=ramp, beside=company)
    assert played.reason == one_by_one.reason
    assert played.fired_by == one_by_one.fired_by
    np.testing.assert_array_equal(played.samples, one_by_one.samples)


@pytest.mark.parametrize("ramp", [STREAMED, WHOLE])
def test_what_was_sent_once_is_never_cut(ramp: tuple[int, ...]) -> None:
    rising = frames([39] * 5 + [41] * 11 + [43] * ENDLESS)  # a hum whose beginning moves
    script = np.concatenate([speech(15), rising])
    played = play(script, ramp=ramp)
    assert played.reason == "guard"
    np.testing.assert_array_equal(played.samples, play(script, ramp=(1,)).samples)


@given(num_held=st.integers(4, 24), ramp=st.sampled_from([(1,), STREAMED, WHOLE]))
@settings(max_examples=20, deadline=None)
def test_chunks_count_their_frames_right_whatever_waited(
    num_held: int, ramp: tuple[int, ...]
) -> None:
    script = np.concatenate([speech(50), silence(num_held), speech(30, seed=9)])
    chunks = play(script, ramp=ramp).sink.chunks
    starts = np.cumsum([0, *(chunk.num_frames for chunk in chunks)])
    assert [chunk.start_frame for chunk in chunks] == starts[:-1].tolist()
    assert starts[-1] == len(script)
    assert all(len(chunk.samples) == 1920 * chunk.num_frames for chunk in chunks)
    assert all(chunk.num_frames > 0 for chunk in chunks[:-1]), "nothing to send is not sent"
    assert join_chunks(chunks).timing.audio_s == pytest.approx(0.08 * len(script))


def test_nothing_waits_where_nothing_is_suspect() -> None:
    engine = InTurns(ScriptedRunner(scripts={0: speech(100)}), ScriptedDecoder())
    take, sink = engine.start(0, plan=PLAN)
    for _ in range(60):
        engine.make_frames()
        engine.make_audio(turns=2)
        assert take.num_frames - len(take.pending) == take.num_emitted
    assert [chunk.num_frames for chunk in sink.chunks[:4]] == [1, 2, 4, 8]


def test_frames_that_wait_do_not_count_as_owed_audio() -> None:
    script = np.concatenate([speech(10), silence(36), speech(100)])
    engine = InTurns(ScriptedRunner(scripts={0: script}), ScriptedDecoder())
    take, _ = engine.start(0, plan=PLAN, ramp=(1,), max_frames=5000)
    for _ in range(46):
        engine.make_frames()
        engine.make_audio(turns=2)
    assert take.num_emitted == 22, "ten of speech, and twelve of a pause that may be natural"
    engine.make_frames(turns=500)
    assert take.num_frames == 46 + MAX_FRAMES_AHEAD


def test_what_waits_is_dropped_with_a_cancelled_take() -> None:
    script = np.concatenate([speech(10), silence(36), speech(100)])
    engine = InTurns(ScriptedRunner(scripts={0: script}), ScriptedDecoder())
    take, sink = engine.start(0, plan=PLAN, ramp=(1,))
    for _ in range(46):
        engine.make_frames()
        engine.make_audio(turns=2)
    take.cancel()
    engine.run_until_idle()
    assert sink.reason == "cancelled"
    assert sink.chunks[-1].start_frame == 22


def test_the_frame_budget_of_the_caller_comes_first() -> None:
    engine = InTurns(ScriptedRunner(scripts={0: speech(ENDLESS)}), ScriptedDecoder())
    _, sink = engine.start(0, plan=PLAN, max_frames=PLAN.budget_frames)
    engine.run_until_idle()
    assert sink.reason == "length"
    assert sum(chunk.num_frames for chunk in sink.chunks) == PLAN.budget_frames


def test_a_plan_follows_from_the_text() -> None:
    short, long = (GuardPlan.of(expected_duration(text)) for text in ("Yes.", "Yes, sir. " * 20))
    for plan in (short, long):
        assert 1 <= plan.shortest_frames <= plan.typical_frames < plan.budget_frames
    assert long.shortest_frames > short.budget_frames / 2
    assert long.budget_frames > 4 * short.budget_frames
