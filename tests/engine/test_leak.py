"""An echo of the reference at the start of a take is cut off; whatever else begins, stays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.fakes import InTurns
from tests.engine.scripted import (
    PLAN,
    ScriptedDecoder,
    ScriptedRunner,
    loop,
    play,
    silence,
    sound_of,
    speech,
)

from intone.core.types import Codes
from intone.engine.leak import MAX_LEAK_FRAMES, MIN_LEAK_FRAMES, LeakWatch, repeats_reference

APPENDED = np.tile(np.array([[7, 90, 7, 7]]), (6, 1))
"""Frames of the silence that is appended to a reference."""
REFERENCE = np.concatenate([speech(100, seed=77), APPENDED])
TEXT = speech(80, seed=5)


def tail(num_frames: int) -> Codes:
    """Returns how the reference's speech ends."""
    return REFERENCE[100 - num_frames : 100].copy()


def nearly(codes: Codes) -> Codes:
    """Returns the same frames but for their last codebook, and one frame in seven."""
    changed = codes.copy()
    changed[:, 3] += 1
    changed[6::7, 0] += 1
    return changed


def heard_without(script: Codes, num_leaked: int, ramp: tuple[int, ...] = (1, 2, 4, 8)) -> None:
    """Asserts that this many frames are cut, and no other."""
    played = play(script, ramp=ramp, leak=LeakWatch(REFERENCE))
    assert played.reason == "stop"
    np.testing.assert_array_equal(played.samples, sound_of(script[num_leaked:]))
    chunks = played.sink.chunks
    assert {chunk.num_leaked_frames for chunk in chunks} == {num_leaked}
    assert chunks[0].start_frame == num_leaked
    assert chunks[-1].timing.audio_s == pytest.approx(0.08 * (len(script) - num_leaked))


@pytest.mark.parametrize("ramp", [(1,), (1, 2, 4, 8), (24,)])
@pytest.mark.parametrize("num_frames", [MIN_LEAK_FRAMES, 12, 24, MAX_LEAK_FRAMES])
@pytest.mark.parametrize("like", [np.copy, nearly])
def test_an_echo_is_cut(num_frames: int, ramp: tuple[int, ...], like) -> None:  # type: ignore[no-untyped-def]
    heard_without(np.concatenate([like(tail(num_frames)), TEXT]), num_frames, ramp)


def test_the_cut_is_at_the_quiet_point_behind_the_echo() -> None:
    still_loud = speech(2, seed=6)
    heard_without(np.concatenate([tail(12), still_loud, silence(1), TEXT]), 14)


def test_the_silence_of_the_reference_leaks_too() -> None:
    heard_without(np.concatenate([tail(12), APPENDED, TEXT]), 18)


def test_an_echo_whose_last_frame_is_another_is_cut_before_it() -> None:
    script = np.concatenate([tail(13), TEXT])
    script[12, 0] += 1
    heard_without(script, 12)


def test_a_cancelled_take_says_where_it_was_in_its_own_frames() -> None:
    script = np.concatenate([tail(12), TEXT])
    engine = InTurns(ScriptedRunner(scripts={0: script}), ScriptedDecoder())
    take, sink = engine.start(0, ramp=(1,), leak=LeakWatch(REFERENCE))
    for _ in range(20):
        engine.make_frames()
        engine.make_audio(turns=2)
    take.cancel()
    engine.run_until_idle()
    assert (sink.reason, sink.chunks[-1].start_frame) == ("cancelled", 20)


def test_a_reference_that_ends_in_speech_leaks_to_its_last_frame() -> None:
    reference = REFERENCE[:100]
    script = np.concatenate([tail(15), TEXT])
    played = play(script, leak=LeakWatch(reference))
    np.testing.assert_array_equal(played.samples, sound_of(TEXT))


@pytest.mark.parametrize(
    "script",
    [
        TEXT,
        np.concatenate([tail(MIN_LEAK_FRAMES - 1), TEXT]),
        np.concatenate([tail(20)[:15], TEXT]),
        np.concatenate([TEXT[:1], tail(12), TEXT]),
        np.concatenate([tail(12), TEXT[:5]]),
        np.concatenate([APPENDED, TEXT]),
        REFERENCE[:100],
        tail(20),
        tail(3),
    ],
    ids=[
        "text",
        "too short an echo",
        "the middle of the reference",
        "an echo that does not begin the take",
        "an echo and nothing to speak of behind it",
        "silence as in the reference",
        "the whole reference",
        "nothing but the echo",
        "next to nothing",
    ],
)
def test_what_may_be_meant_is_kept(script: Codes) -> None:
    heard_without(script, 0)


def test_frames_wait_only_as_long_as_they_match() -> None:
    script = np.concatenate([tail(20)[:7], TEXT])
    engine = InTurns(ScriptedRunner(scripts={0: script}), ScriptedDecoder())
    take, _ = engine.start(0, ramp=(1,), leak=LeakWatch(REFERENCE))
    sent = []
    for _ in range(9):
        engine.make_frames()
        engine.make_audio(turns=2)
        sent.append(take.num_emitted)
    assert sent == [0, 0, 0, 0, 0, 0, 0, 0, 9], "one miss in five is near enough, two are not"


def test_silence_at_the_start_does_not_wait_because_the_reference_pauses() -> None:
    reference = np.concatenate([speech(50, seed=77), APPENDED, speech(20, seed=78), APPENDED])
    engine = InTurns(ScriptedRunner(scripts={0: APPENDED}), ScriptedDecoder())
    take, _ = engine.start(0, ramp=(1,), leak=LeakWatch(reference))
    engine.make_frames()
    engine.make_audio(turns=2)
    assert take.num_emitted == 1


def test_the_first_frame_of_another_take_does_not_wait() -> None:
    engine = InTurns(ScriptedRunner(scripts={0: TEXT}), ScriptedDecoder())
    take, _ = engine.start(0, leak=LeakWatch(REFERENCE))
    engine.make_frames()
    engine.make_audio(turns=2)
    assert take.num_emitted == 1


def test_a_guard_counts_from_the_text_on() -> None:
    script = np.concatenate([tail(20), speech(PLAN.budget_frames, seed=3)])
    played = play(script, leak=LeakWatch(REFERENCE))
    assert played.reason == "stop"
    assert sum(chunk.num_frames for chunk in played.sink.chunks) == PLAN.budget_frames
    endless = np.concatenate([tail(20), speech(40, seed=3), loop(500, 3)])
    played = play(endless, leak=LeakWatch(REFERENCE))
    assert (played.reason, played.fired_by) == ("guard", "loop")
    assert sum(chunk.num_frames for chunk in played.sink.chunks) == 40 + 3 + 1


def test_a_reference_shorter_than_a_leak_is_watched_for_none() -> None:
    for num_frames in (1, 3, 7):
        watch = LeakWatch(REFERENCE[-num_frames:])
        assert watch.is_decided
        np.testing.assert_array_equal(play(TEXT, leak=watch).samples, sound_of(TEXT))


@given(
    start=st.integers(0, 99),
    count=st.integers(0, 60),
    behind=st.integers(0, 30),
    ramp=st.lists(st.integers(1, 30), min_size=1, max_size=5).map(tuple),
)
@settings(max_examples=80, deadline=None)
def test_what_is_cut_depends_on_the_frames_alone(
    start: int, count: int, behind: int, ramp: tuple[int, ...]
) -> None:
    script = np.concatenate([REFERENCE[start:][:count], speech(behind + 1, seed=8)])
    one_by_one = play(script, ramp=(1,), leak=LeakWatch(REFERENCE))
    played = play(script, ramp=ramp, leak=LeakWatch(REFERENCE))
    np.testing.assert_array_equal(played.samples, one_by_one.samples)
    cut = played.sink.chunks[0].num_leaked_frames
    assert cut == one_by_one.sink.chunks[0].num_leaked_frames
    assert cut == 0 or start + count >= 99, "its last frame alone may be another one"


@pytest.mark.parametrize(
    ("text", "ref_text", "repeats"),
    [
        ("Thank you very much.", "I have it now. Thank you very much!", True),
        ("Thank you.", "Thank goodness, it is over.", False),
        ("Yes.", "Did she say yes?", True),
        ("It rains.", "", False),
        ("你好吗", "大家你好", True),
        ("你好吗", "大家好", False),
        ("The cat", "The cat sat on the mat and then it went away to look for a mouse.", False),
    ],
)
def test_a_text_that_begins_as_the_reference_ends_is_not_watched(
    text: str, ref_text: str, repeats: bool
) -> None:
    assert repeats_reference(text, ref_text) == repeats
