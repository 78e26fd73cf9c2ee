"""What a caller gets of several draws: one take, one seed, nothing heard twice."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import numpy as np
import pytest

from intone.core.constants import SAMPLE_RATE_HZ, SAMPLES_PER_FRAME
from intone.core.types import AudioChunk, FinishReason, SpeechRequest, SpeechTiming
from intone.engine.delivery import MAX_DRAWS
from intone.engine.take import Emit
from intone.tts import TTS

SEED = 11
LOUD, STILL = 0.1, 1e-5


def chunk(
    start: int, frames: int, level: float, seed: int, finish: FinishReason | None = None
) -> AudioChunk:
    return AudioChunk(
        samples=np.full(frames * SAMPLES_PER_FRAME, level, np.float32),
        sample_rate_hz=SAMPLE_RATE_HZ,
        start_frame=start,
        num_frames=frames,
        timing=SpeechTiming(ttfa_s=0.1, wall_s=0.2, audio_s=(start + frames) * 0.08),
        seed=seed,
        finish_reason=finish,
    )


class FakeTake:
    def __init__(self) -> None:
        self.cancelled = threading.Event()

    def cancel(self) -> None:
        self.cancelled.set()


class ScriptedTTS(TTS):
    """Every draw emits the next of these lists of (frames, level, finish reason)."""

    def __init__(self, *draws: list[tuple[int, float, FinishReason | None]]) -> None:
        super().__init__(Path("nowhere"))
        self.draws = iter(draws)
        self.seeds: list[int] = []

    def _start(
        self, request: object, seed: int, ramp: object, emit: Emit, accepted_at: float
    ) -> FakeTake:
        self.seeds.append(seed)
        start = 0
        for frames, level, finish in next(self.draws):
            emit(chunk(start, frames, level, seed, finish))
            start += frames
        return FakeTake()


MISSED: list[tuple[int, float, FinishReason | None]] = [(4, LOUD, None), (3, LOUD, "guard")]
GOOD: list[tuple[int, float, FinishReason | None]] = [(5, LOUD, None), (0, 0.0, "stop")]


def test_a_whole_take_that_missed_its_end_is_drawn_again_with_a_seed_of_its_own() -> None:
    tts = ScriptedTTS(MISSED, GOOD)
    audio = tts.speak("Hello there.", seed=SEED)

    assert (audio.finish_reason, audio.num_draws, audio.seed) == ("stop", 2, SEED)
    assert len(audio.samples) == 5 * SAMPLES_PER_FRAME
    assert tts.seeds[0] == SEED
    assert len(set(tts.seeds)) == 2


def test_the_draws_are_bounded_and_the_likeliest_length_is_kept() -> None:
    lengths = [3, 14, 60]
    tts = ScriptedTTS(*([(n, LOUD, "guard")] for n in lengths))  # type: ignore[list-item]
    audio = tts.speak("Hello there, friend.", seed=SEED)

    assert len(tts.seeds) == len(lengths) == MAX_DRAWS
    assert audio.finish_reason == "guard"
    assert len(audio.samples) == 14 * SAMPLES_PER_FRAME


def test_the_same_seed_walks_the_same_way() -> None:
    first, second = ScriptedTTS(MISSED, GOOD), ScriptedTTS(MISSED, GOOD)
    first.speak("Hello.", seed=SEED)
    second.speak("Hello.", seed=SEED)

    assert first.seeds == second.seeds


def test_whoever_watches_sees_every_draw() -> None:
    seen: list[AudioChunk] = []
    tts = ScriptedTTS(MISSED, GOOD)
    tts.synthesize(SpeechRequest(text="Hello.", seed=SEED), watch=seen.append)

    assert [one.num_frames for one in seen] == [4, 3, 5, 0]


def listened(tts: TTS, how: str) -> list[AudioChunk]:
    if how == "stream":
        return list(tts.stream("Hello.", seed=SEED))

    async def collect() -> list[AudioChunk]:
        return [one async for one in tts.astream("Hello.", seed=SEED)]

    return asyncio.run(collect())


both_ways = pytest.mark.parametrize("how", ["stream", "astream"])


@both_ways
def test_a_stream_that_was_heard_ends_where_the_guard_cut_it(how: str) -> None:
    tts = ScriptedTTS(MISSED, GOOD)
    chunks = listened(tts, how)

    assert len(tts.seeds) == 1
    assert [one.finish_reason for one in chunks] == [None, "guard"]


@both_ways
def test_a_stream_of_which_nothing_was_heard_goes_on_with_another_draw(how: str) -> None:
    tts = ScriptedTTS([(2, STILL, None), (1, STILL, "guard")], GOOD)
    chunks = listened(tts, how)

    assert [one.finish_reason for one in chunks] == [None, None, "stop"]
    assert [one.num_frames for one in chunks] == [2, 5, 0], "the cut end of the first is dropped"
    assert [one.start_frame for one in chunks] == [0, 2, 7]
    assert {one.seed for one in chunks} == {SEED}
    assert chunks[-1].num_draws == 2


@both_ways
def test_a_stream_in_which_nothing_is_ever_heard_ends(how: str) -> None:
    tts = ScriptedTTS(*[[(2, STILL, "guard")] for _ in range(9)])  # type: ignore[list-item]
    chunks = listened(tts, how)

    assert len(tts.seeds) == MAX_DRAWS
    assert chunks[-1].finish_reason == "guard"


@pytest.mark.parametrize("speed", [0.5, 1.25, 2.0])
def test_speed_changes_the_length_streamed_as_whole(speed: float) -> None:
    whole = ScriptedTTS(GOOD).speak("Hello.", seed=SEED, speed=speed)
    chunks = list(ScriptedTTS(GOOD).stream("Hello.", seed=SEED, speed=speed))

    assert len(whole.samples) == round(5 * SAMPLES_PER_FRAME / speed)
    np.testing.assert_array_equal(np.concatenate([one.samples for one in chunks]), whole.samples)
    assert whole.timing.audio_s == chunks[-1].timing.audio_s == pytest.approx(0.4 / speed)


def test_a_task_that_leaves_while_its_take_starts_cancels_it() -> None:
    started, may_go_on, take = threading.Event(), threading.Event(), FakeTake()

    class SlowTTS(TTS):
        def _start(self, *_: object) -> FakeTake:
            started.set()
            assert may_go_on.wait(10)
            return take

    async def leave() -> None:
        listening = asyncio.ensure_future(anext(SlowTTS(Path("nowhere")).astream("Hello.")))
        await asyncio.to_thread(started.wait, 10)
        listening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await listening
        may_go_on.set()
        await asyncio.to_thread(take.cancelled.wait, 10)

    asyncio.run(leave())
    assert take.cancelled.is_set()
