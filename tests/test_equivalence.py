"""The same request gives the same codes alone, in any batch, streamed or not; exact, in fp32."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from intone.core.speak_options import SpeakOptions
from intone.core.types import Audio, Codes, ModelKind, Samples, join_chunks
from intone.engine.runner import Runner
from intone.runtime.job import FrameBatch, PageLayout, SlotStart
from intone.tts import TTS

NUM_FRAMES = 24

REQUESTS: list[tuple[str, SpeakOptions]] = [
    ("Hello, world.", {"voice": "ryan", "seed": 1, "language": "english"}),
    ("A longer sentence, so that prompts differ in length.", {"voice": "Vivian", "seed": 2}),
    ("Dialect by name.", {"voice": "dylan", "seed": 3, "top_p": 0.8, "top_k": 0}),
    ("Greedy.", {"voice": "serena", "seed": 4, "greedy": True, "text_layout": "per_frame"}),
    ("Hot!", {"voice": "eric", "seed": 5, "temperature": 1.4, "repetition_penalty": 1.3}),
]


@dataclass
class Recorder:
    """Stands between engine and runner and writes down the codes of every take, by seed."""

    runner: Runner
    codes: dict[int, list[Codes]] = field(default_factory=dict)
    batch_sizes: list[int] = field(default_factory=list)
    _seeds: dict[int, int] = field(default_factory=dict)
    _launched: deque[list[int]] = field(default_factory=deque)

    @property
    def num_slots(self) -> int:
        return self.runner.num_slots

    @property
    def pages(self) -> PageLayout:
        return self.runner.pages

    @property
    def lag_frames(self) -> int:
        return self.runner.lag_frames

    def begin(self, starts: Sequence[SlotStart]) -> None:
        for start in starts:
            self._seeds[start.slot] = start.job.seed
            self.codes[start.job.seed] = []
        self.runner.begin(starts)

    def grow(self, slot: int, pages: Sequence[int]) -> None:
        self.runner.grow(slot, pages)

    def launch(self, slots: Sequence[int]) -> None:
        self._launched.append([self._seeds[slot] for slot in slots])
        self.runner.launch(slots)

    def collect(self) -> FrameBatch:
        batch, seeds = self.runner.collect(), self._launched.popleft()
        self.batch_sizes.append(len(seeds))
        for seed, codes, ended in zip(seeds, batch.codes, batch.ended, strict=True):
            if not ended:
                self.codes[seed].append(codes)
        return batch

    def release(self, slot: int) -> None:
        self.runner.release(slot)

    def close(self) -> None:
        self.runner.close()

    def take(self, seed: int) -> Codes:
        return np.stack(self.codes[seed])


@pytest.fixture
def tts(tiny_checkpoint: Callable[[ModelKind], Path]) -> Iterator[TTS]:
    with TTS(tiny_checkpoint("custom"), device="cpu", dtype="fp32", num_slots=5) as tts:
        yield tts


@pytest.fixture
def recorder(tts: TTS) -> Recorder:
    loop = tts.load().engine._loop
    loop._runner = Recorder(loop._runner)
    return loop._runner


FULL: SpeakOptions = {"min_frames": NUM_FRAMES, "max_frames": NUM_FRAMES}
"""A random network may draw the end at any time; only the last request is left to."""
LENGTHS: list[SpeakOptions] = [FULL] * 4 + [{"max_frames": NUM_FRAMES}]


def speak_alone(tts: TTS, recorder: Recorder) -> tuple[list[Codes], list[Audio]]:
    audios = [
        tts.speak(text, **options, **length)
        for (text, options), length in zip(REQUESTS, LENGTHS, strict=True)
    ]
    return [recorder.take(options["seed"]) for _, options in REQUESTS], audios


def test_a_batch_of_five_equals_five_alone(tts: TTS, recorder: Recorder) -> None:
    alone, audios = speak_alone(tts, recorder)
    recorder.batch_sizes.clear()
    together: list[Audio | None] = [None] * len(REQUESTS)

    def speak(i: int) -> None:
        text, options = REQUESTS[i]
        together[i] = tts.speak(text, **options, **LENGTHS[i])

    threads = [threading.Thread(target=speak, args=(i,)) for i in range(len(REQUESTS))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(recorder.batch_sizes) > 1, "nothing ran together: the test proves nothing"
    for i, (_, options) in enumerate(REQUESTS):
        np.testing.assert_array_equal(recorder.take(options["seed"]), alone[i])
        np.testing.assert_allclose(together[i].samples, audios[i].samples, atol=1e-4)


def test_staggered_joins_and_cancellations_change_nothing(tts: TTS, recorder: Recorder) -> None:
    alone, _ = speak_alone(tts, recorder)
    streams = []
    for i, (text, options) in enumerate(REQUESTS):
        stream = tts.stream(text, chunk_frames=1, **options, **LENGTHS[i])
        next(stream)  # the earlier ones are some frames ahead by now
        streams.append(stream)
        doomed = tts.stream("Never mind.", voice="aiden", seed=100 + i, chunk_frames=1)
        next(doomed)
        doomed.close()
    for stream in streams:
        assert list(stream)[-1].is_last
    for i, (_, options) in enumerate(REQUESTS):
        np.testing.assert_array_equal(recorder.take(options["seed"]), alone[i])


@pytest.mark.parametrize("chunk_frames", [1, 3, 8, None])
def test_streamed_equals_whole(tiny_tts: TTS, chunk_frames: int | None) -> None:
    for text, options in REQUESTS[:3]:
        whole = tiny_tts.speak(text, **options, **FULL)
        chunks = list(tiny_tts.stream(text, chunk_frames=chunk_frames, **options, **FULL))
        streamed = join_chunks(chunks)
        assert streamed.finish_reason == whole.finish_reason
        np.testing.assert_allclose(streamed.samples, whole.samples, atol=1e-4)
        assert chunks[0].num_frames == (chunk_frames or 1)


def test_a_slot_remembers_nothing_of_its_last_take(
    tiny_checkpoint: Callable[[ModelKind], Path],
) -> None:
    text, options = REQUESTS[0]
    with TTS(tiny_checkpoint("custom"), device="cpu", dtype="fp32", num_slots=1) as tts:
        fresh = tts.speak(text, max_frames=NUM_FRAMES, **options)
        for other, other_options in REQUESTS[1:]:
            tts.speak(other, max_frames=60, **other_options)
        again = tts.speak(text, max_frames=NUM_FRAMES, **options)
    np.testing.assert_array_equal(again.samples, fresh.samples)


def test_takes_that_follow_each_other_in_one_slot_sound_as_alone(
    tiny_checkpoint: Callable[[ModelKind], Path],
) -> None:
    """A slot is begun again while the codec still works on the take before."""
    with TTS(tiny_checkpoint("custom"), device="cpu", dtype="fp32", num_slots=1) as tts:
        alone = [tts.speak(text, **options, **FULL) for text, options in REQUESTS]
        streams = [tts.stream(text, chunk_frames=3, **o, **FULL) for text, o in REQUESTS]
        together = [join_chunks(stream) for stream in streams]
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_allclose(other.samples, one.samples, atol=1e-4)


def test_another_seed_gives_another_take(tiny_tts: TTS) -> None:
    one, two = (tiny_tts.speak("Hello.", seed=seed, max_frames=12) for seed in (1, 2))
    assert not np.array_equal(one.samples[: len(two.samples)], two.samples[: len(one.samples)])


def test_a_chosen_seed_is_reported_and_reproduces_the_take(tiny_tts: TTS) -> None:
    drawn = tiny_tts.speak("Hello.", max_frames=12)
    again = tiny_tts.speak("Hello.", max_frames=12, seed=drawn.seed)
    np.testing.assert_array_equal(again.samples, drawn.samples)


def test_tasks_stream_side_by_side(tiny_tts: TTS) -> None:
    async def collect(seed: int) -> Samples:
        chunks = tiny_tts.astream("Side by side.", seed=seed, max_frames=12)
        return join_chunks([chunk async for chunk in chunks]).samples

    async def both() -> list[Samples]:
        return await asyncio.gather(collect(1), collect(2))

    for seed, samples in zip((1, 2), asyncio.run(both()), strict=True):
        alone = tiny_tts.speak("Side by side.", seed=seed, max_frames=12)
        np.testing.assert_allclose(samples, alone.samples, atol=1e-4)


def test_leaving_an_async_stream_frees_its_slot(tiny_tts: TTS) -> None:
    async def leave() -> None:
        chunks = tiny_tts.astream("Leave early.", seed=1, max_frames=500)
        async for _ in chunks:
            break
        await chunks.aclose()

    asyncio.run(leave())
    tiny_tts.speak("Next.", seed=1, max_frames=2)
    assert tiny_tts.load().engine._loop.scheduler.is_idle
