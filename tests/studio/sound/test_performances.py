"""Performances: heard and followed at once, stopped within a frame, kept so that they repeat."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tests.studio.speak.speaking_desk import KEY, make_desk, models_of

from intone.core.errors import CapacityError, EngineStoppedError, InvalidSettingError
from intone.render.redo import draw_again, is_same_take
from intone.render.sidecar import read_take_record
from intone.studio.desk import Desk
from intone.studio.sound.performance import Performance
from intone.studio.sound.performances import MAX_AT_ONCE, Performances
from intone.studio.sound.plan import SoundPlan
from intone.studio.sound.state import SoundState
from intone.studio.speak.planning import SpeakPlanner

ID = "0123456789abcdef"
FIELDS: Mapping[str, object] = {"text": "Hello there.", "voice": "ava", "seed": "7"}
LONG = " ".join(["The ferry leaves at ten past eight, and it is never late."] * 9)


def run(coroutine: Coroutine[object, object, None]) -> None:
    asyncio.run(asyncio.wait_for(coroutine, 8.0))


def performances_of(desk: Desk) -> Performances:
    return Performances(desk, SpeakPlanner(desk))


async def heard(performance: Performance) -> bytes:
    return b"".join([part async for part in performance.sound()])


async def last_state(performances: Performances, live_id: str = ID) -> SoundState:
    return [state async for state in performances.follow(KEY, live_id)][-1]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return make_desk(tmp_path)


def test_what_is_heard_is_what_is_kept_and_can_be_drawn_again(desk: Desk) -> None:
    async def check() -> None:
        performances = performances_of(desk)
        sound = await heard(performances.start(KEY, ID, FIELDS))
        state = await last_state(performances)

        assert state.phase == "done"
        assert state.kept is not None
        samples, rate_hz = soundfile.read(state.kept.audio, dtype="int16")
        assert rate_hz == 24_000
        assert samples.tobytes() == sound
        assert samples.any()
        record = read_take_record(state.kept.record)
        assert (record.mode, record.text, record.request.seed) == (
            "studio-speak",
            "Hello there.",
            7,
        )
        assert record.voice.name == "ava"
        assert state.kept.seed == 7
        async with desk.models.lease(KEY, record.model.name) as model:
            again = await asyncio.to_thread(draw_again, record, model, record.voice.name)
        assert is_same_take(record, again)

    run(check())


def test_sound_comes_while_the_take_is_still_being_made(desk: Desk) -> None:
    async def check() -> None:
        behaviour = models_of(desk).behaviour
        behaviour.frame_s, behaviour.num_frames = 0.005, lambda request: 60
        performance = performances_of(desk).start(KEY, ID, FIELDS)
        first = await anext(aiter(performance.sound()))
        assert len(first) == 1_920 * 2
        assert performance.state.phase == "speaking"
        assert performance.state.num_frames < 20
        await performance.stop()

    run(check())


def test_without_streaming_nothing_is_heard_before_the_whole_is_made(desk: Desk) -> None:
    async def check() -> None:
        behaviour = models_of(desk).behaviour
        behaviour.frame_s, behaviour.num_frames = 0.002, lambda request: 20
        performance = performances_of(desk).start(KEY, ID, {**FIELDS, "streams": False})
        await anext(aiter(performance.sound()))
        assert performance.state.num_frames == 20

    run(check())


def test_stop_ends_the_take_within_a_frame_and_keeps_nothing(desk: Desk, tmp_path: Path) -> None:
    async def check() -> None:
        models = models_of(desk)
        models.behaviour.frame_s, models.behaviour.num_frames = 0.005, lambda request: 10_000
        performances = performances_of(desk)
        performance = performances.start(KEY, ID, FIELDS)
        await anext(aiter(performance.sound()))

        await performances.stop(KEY, ID)
        made = models.counts["builtin"].frames_made
        await asyncio.sleep(0.05)

        assert models.counts["builtin"].frames_made <= made + 1
        assert models.counts["builtin"].cancellations == 1
        assert models.leased["builtin"] == 0
        assert (await last_state(performances)).phase == "stopped"
        assert not list(tmp_path.glob("takes/**/*.*"))

    run(check())


def test_stop_also_ends_the_wait_for_a_model(desk: Desk) -> None:
    async def check() -> None:
        performances = performances_of(desk)
        performance = performances.start(KEY, ID, FIELDS)
        assert performance.state.phase == "planning"
        await performance.stop()
        assert (await last_state(performances)).phase == "stopped"

    run(check())


def test_a_long_text_is_several_takes_that_are_heard_and_kept_as_one(
    desk: Desk, tmp_path: Path
) -> None:
    async def check() -> None:
        performances = performances_of(desk)
        sound = await heard(performances.start(KEY, ID, {**FIELDS, "text": LONG}))
        state = await last_state(performances)

        assert state.kept is not None
        assert state.kept.num_takes > 1
        stem = state.kept.audio.stem
        samples, _ = soundfile.read(state.kept.audio, dtype="int16")
        assert samples.tobytes() == sound
        takes = sorted(state.kept.audio.parent.glob(f"{stem}.0*.json"))
        assert len(takes) == state.kept.num_takes
        words = " ".join(read_take_record(path).text for path in takes)
        assert words == LONG
        assert state.kept.audio.with_suffix(".txt").read_text() == LONG

    run(check())


def test_a_field_that_is_wrong_ends_it_with_the_reason(desk: Desk) -> None:
    async def check() -> None:
        performances = performances_of(desk)
        assert await heard(performances.start(KEY, ID, {**FIELDS, "text": "  "})) == b""
        state = await last_state(performances)
        assert state.phase == "failed"
        assert "nothing to say" in str(state.error)

    run(check())


def test_a_crash_is_told_without_its_details(desk: Desk) -> None:
    async def check() -> None:
        models_of(desk).behaviour.fail_at_frame = 1
        performances = performances_of(desk)
        performances.start(KEY, ID, FIELDS)
        state = await last_state(performances)
        assert isinstance(state.error, EngineStoppedError)
        assert "/root" not in str(state.error)

    run(check())


def test_who_follows_may_come_before_the_sound_is_asked_for(desk: Desk) -> None:
    async def check() -> None:
        performances = performances_of(desk)
        following = asyncio.create_task(last_state(performances))
        await asyncio.sleep(0.01)
        performances.start(KEY, ID, FIELDS)
        assert (await following).phase == "done"

    run(check())


def test_a_caller_finds_only_their_own(desk: Desk) -> None:
    async def check() -> None:
        performances = performances_of(desk)
        performance = performances.start("nora", ID, FIELDS)
        assert performances.find("sam", ID) is None
        await performances.stop("sam", ID)
        assert not performance.state.is_over or performance.state.phase == "done"
        await heard(performance)

    run(check())


def test_an_id_is_used_once(desk: Desk) -> None:
    async def check() -> None:
        performances = performances_of(desk)
        await heard(performances.start(KEY, ID, FIELDS))
        for wrong in (ID, "../../etc/passwd", "short", ""):
            with pytest.raises(InvalidSettingError):
                performances.start(KEY, wrong, FIELDS)

    run(check())


def test_one_caller_has_a_few_at_a_time_and_is_told(desk: Desk) -> None:
    async def check() -> None:
        behaviour = models_of(desk).behaviour
        behaviour.frame_s, behaviour.num_frames = 0.01, lambda request: 10_000
        performances = performances_of(desk)
        running = [performances.start(KEY, f"{ID}{n}", FIELDS) for n in range(MAX_AT_ONCE)]
        one_more = performances.start(KEY, ID, FIELDS)
        assert isinstance(one_more.state.error, CapacityError)
        for performance in running:
            await performance.stop()

    run(check())


def test_old_ones_are_forgotten_and_those_that_run_are_not(desk: Desk) -> None:
    async def check() -> None:
        performances = performances_of(desk)
        for number in range(30):
            await heard(performances.start(KEY, f"{ID}{number}", FIELDS))
            await last_state(performances, f"{ID}{number}")
        assert performances.find(KEY, f"{ID}0") is None
        assert performances.find(KEY, f"{ID}29") is not None

    run(check())


def test_figures_add_up(desk: Desk) -> None:
    async def check() -> None:
        models_of(desk).behaviour.frame_s = 0.002
        performances = performances_of(desk)
        performances.start(KEY, ID, FIELDS)
        states = [state async for state in performances.follow(KEY, ID)]
        last = states[-1]
        assert last.audio_s == pytest.approx(last.num_frames * 0.08)
        assert last.ttfa_s is not None
        assert last.rtf > 1.0
        assert last.expected_s > 0.2
        assert np.all(np.diff([state.num_frames for state in states]) >= 0)
        assert last.left_s is None

    run(check())


def test_a_defect_of_ours_is_told_to_the_page_and_to_the_log(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(fields: Mapping[str, object]) -> SoundPlan:
        raise ZeroDivisionError

    async def check() -> None:
        performance = Performances(desk, broken).start(KEY, ID, FIELDS)
        await heard(performance)
        await performance.stop()  # as the route does when its listener is gone
        assert isinstance(performance.state.error, EngineStoppedError)

    run(check())
    assert "ZeroDivisionError" in caplog.text


def test_sound_that_nobody_hears_any_more_leaves_the_memory(desk: Desk) -> None:
    async def check() -> None:
        performances = performances_of(desk)
        performance = performances.start(KEY, ID, FIELDS)
        await last_state(performances)
        await performance.stop()
        assert await heard(performance) == b""

    run(check())
