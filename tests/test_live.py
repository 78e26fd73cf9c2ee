"""Text that arrives while a take reads it gives the take of the whole text, exactly."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.test_equivalence import Recorder

from intone.core.errors import UnsupportedModeError
from intone.core.speak_options import SpeakOptions, speech_request
from intone.core.types import Audio, Codes, ModelKind, join_chunks
from intone.runtime.cpu import store
from intone.runtime.cpu.build import build
from intone.runtime.cpu.built import Precision
from intone.tts import TTS

TEXT = "Hello world, the voice says: you may be read while you are written."
NUM_FRAMES = 30
OPTIONS: SpeakOptions = {"voice": "ryan", "min_frames": NUM_FRAMES, "max_frames": NUM_FRAMES}
LONG_S = 30.0

Rhythm = Callable[[TTS], AsyncIterator[str]]


@pytest.fixture(scope="module")
def tts(tiny_checkpoint: Callable[[ModelKind], Path]) -> Iterator[TTS]:
    with TTS(tiny_checkpoint("custom"), device="cpu", dtype="fp32", num_slots=4) as tts:
        yield tts


@pytest.fixture(scope="module")
def recorder(tts: TTS) -> Recorder:
    loop = tts.load().engine._loop
    loop._runner = Recorder(loop._runner)
    return loop._runner


async def at_once(tts: TTS) -> AsyncIterator[str]:
    yield TEXT[3:]


async def by_character(tts: TTS) -> AsyncIterator[str]:
    for character in TEXT[3:]:
        await asyncio.sleep(0)
        yield character


async def when_starved(tts: TTS) -> AsyncIterator[str]:
    loop = tts.load().engine._loop
    for start in range(3, len(TEXT), 9):
        yield TEXT[start : start + 9]
        while loop.has_work:
            await asyncio.sleep(0.001)


async def speak_live(tts: TTS, rhythm: Rhythm, seed: int, **options: object) -> Audio:
    request = speech_request(TEXT[:3], {**OPTIONS, "seed": seed, **options})
    return join_chunks([chunk async for chunk in tts.astream_live(request, rhythm(tts))])


def speak_whole(tts: TTS, recorder: Recorder, seed: int, **options: object) -> tuple[Codes, Audio]:
    audio = tts.speak(TEXT, **{**OPTIONS, "seed": seed, "text_layout": "per_frame", **options})
    return recorder.take(seed), audio


@pytest.mark.parametrize("rhythm", [at_once, by_character, when_starved])
@pytest.mark.parametrize("greedy", [False, True])
def test_a_live_take_is_the_take_of_the_whole_text(
    tts: TTS, recorder: Recorder, rhythm: Rhythm, greedy: bool
) -> None:
    codes, whole = speak_whole(tts, recorder, 1, greedy=greedy)
    live = asyncio.run(speak_live(tts, rhythm, 1, greedy=greedy))
    np.testing.assert_array_equal(recorder.take(1), codes)
    np.testing.assert_allclose(live.samples, whole.samples, atol=1e-4)
    assert live.finish_reason == whole.finish_reason


def test_a_live_take_goes_on_after_the_end_of_its_text(tts: TTS, recorder: Recorder) -> None:
    longer = {"min_frames": 90, "max_frames": 90}
    codes, _ = speak_whole(tts, recorder, 1, **longer)
    asyncio.run(speak_live(tts, when_starved, 1, **longer))
    assert len(codes) == 90
    np.testing.assert_array_equal(recorder.take(1), codes)


def test_live_takes_in_a_batch_are_those_of_the_whole_text(tts: TTS, recorder: Recorder) -> None:
    alone = {seed: speak_whole(tts, recorder, seed)[0] for seed in (1, 2, 3, 4)}
    recorder.batch_sizes.clear()

    async def together() -> None:
        plain = speech_request(TEXT, {**OPTIONS, "seed": 4, "text_layout": "per_frame"})
        rhythms = (at_once, by_character, when_starved)
        lives = (speak_live(tts, rhythm, seed) for seed, rhythm in enumerate(rhythms, start=1))
        await asyncio.gather(*lives, _drain(tts.astream_request(plain)))

    asyncio.run(together())
    assert max(recorder.batch_sizes) > 1, "nothing ran together: the test proves nothing"
    for seed, codes in alone.items():
        np.testing.assert_array_equal(recorder.take(seed), codes)


async def _drain(chunks: AsyncIterator[object]) -> None:
    async for _ in chunks:
        pass


def test_a_take_without_text_waits_and_others_go_on(tts: TTS, recorder: Recorder) -> None:
    async def scene() -> int:
        more = asyncio.Event()

        async def pieces() -> AsyncIterator[str]:
            yield "lo, "
            await more.wait()

        request = speech_request("Hel", {**OPTIONS, "seed": 8})
        live = tts.astream_live(request, pieces())
        first = await anext(live)
        assert first.num_frames == 1
        loop = tts.load().engine._loop
        while loop.has_work:
            await asyncio.sleep(0.001)
        waiting = len(recorder.codes[8])
        await _drain(tts.astream(TEXT, **{**OPTIONS, "seed": 9}))
        assert len(recorder.codes[9]) == NUM_FRAMES
        assert len(recorder.codes[8]) == waiting < NUM_FRAMES
        more.set()
        await _drain(live)
        return len(recorder.codes[8])

    assert asyncio.run(scene()) == NUM_FRAMES


def test_every_frame_of_a_waiting_take_is_heard(tts: TTS, recorder: Recorder) -> None:
    async def scene() -> tuple[int, int]:
        heard = 0

        async def pieces() -> AsyncIterator[str]:
            yield TEXT[3:20]
            await asyncio.Event().wait()

        live = tts.astream_live(speech_request(TEXT[:3], {**OPTIONS, "seed": 6}), pieces())
        try:
            async with asyncio.timeout(LONG_S):
                async for chunk in live:
                    heard += chunk.num_frames
                    await asyncio.sleep(0.02)
                    if not tts.load().engine._loop.has_work and heard == len(recorder.codes[6]):
                        break
        finally:
            await live.aclose()
        return heard, len(recorder.codes[6])

    heard, made = asyncio.run(scene())
    assert 0 < heard == made < NUM_FRAMES


def test_leaving_a_take_that_waits_for_text_frees_its_slot(tts: TTS) -> None:
    async def leave() -> None:
        async def pieces() -> AsyncIterator[str]:
            await asyncio.Event().wait()
            yield ""

        live = tts.astream_live(speech_request("Hello world ", {"seed": 1}), pieces())
        await anext(live)
        await live.aclose()

    asyncio.run(leave())
    scheduler = tts.load().engine._loop.scheduler
    gone = threading.Event()
    for _ in range(2000):
        if scheduler.is_idle:
            return
        gone.wait(0.005)
    raise AssertionError("the slot is still taken")


def test_leaving_a_live_take_stops_it_within_two_frames(tts: TTS, recorder: Recorder) -> None:
    async def leave() -> int:
        request = speech_request(TEXT * 20, {"seed": 11, "min_frames": 600, "max_frames": 600})
        live = tts.astream_live(request, at_once(tts))
        await anext(live)
        await live.aclose()
        return len(recorder.codes[11])

    made = asyncio.run(leave())
    tts.speak("Next.", seed=1, max_frames=2)  # frames of both would be made in the same turns
    assert len(recorder.codes[11]) <= made + 2


def test_what_the_pieces_raise_ends_the_take(tts: TTS) -> None:
    async def pieces() -> AsyncIterator[str]:
        yield "lo world "
        raise ConnectionError("the writer left")

    request = speech_request("Hel", {**OPTIONS, "seed": 1})
    with pytest.raises(ConnectionError, match="the writer left"):
        asyncio.run(_drain(tts.astream_live(request, pieces())))


def test_at_once_is_refused_for_live_text(tts: TTS) -> None:
    request = speech_request("Hello ", {"text_layout": "at_once"})
    with pytest.raises(UnsupportedModeError, match="per_frame"):
        asyncio.run(_drain(tts.astream_live(request, at_once(tts))))


def test_an_icl_voice_begins_with_enough_text_and_is_the_same(
    tiny_checkpoint: Callable[[ModelKind], Path],
) -> None:
    with TTS(tiny_checkpoint("base"), device="cpu", dtype="fp32") as base:
        noise = np.random.default_rng(1).normal(0, 0.1, 24_000 * 2).astype(np.float32)
        voice = base.clone((noise, 24_000), "Hello world.")
        options: SpeakOptions = {**OPTIONS, "voice": voice, "seed": 5}
        whole = base.speak(TEXT, **options)
        for rhythm in (at_once, when_starved):
            live = asyncio.run(speak_live(base, rhythm, 5, voice=voice))
            np.testing.assert_allclose(live.samples, whole.samples, atol=1e-4)


def test_the_cpus_own_runner_reads_live_text_too(
    tiny_checkpoint: Callable[[ModelKind], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def built_here(model: Path, precision: Precision, out: Path, **_: object) -> None:
        build(model, precision, out)

    monkeypatch.setattr(store, "run_builder", built_here)
    directory = tiny_checkpoint("custom")
    with TTS(directory, device="cpu", dtype="int8", threads=1, num_slots=1) as cpu:
        whole = cpu.speak(TEXT, **{**OPTIONS, "seed": 3, "text_layout": "per_frame"})
        live = asyncio.run(speak_live(cpu, when_starved, 3))
    np.testing.assert_allclose(live.samples, whole.samples, atol=1e-4)
