"""The CPU's runner under the engine: streaming, leaving early, closing, and many takes in a row."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import psutil
import pytest

from intone.core.speak_options import SpeakOptions
from intone.core.types import ModelKind, join_chunks
from intone.runtime.cpu import store
from intone.runtime.cpu.build import build
from intone.runtime.cpu.built import Precision
from intone.runtime.job import SlotStart
from intone.tts import TTS

NUM_FRAMES = 20
FULL: SpeakOptions = {"min_frames": NUM_FRAMES, "max_frames": NUM_FRAMES}

Open = Callable[..., TTS]


@pytest.fixture(scope="module")
def open_tts(tiny_checkpoint: Callable[[ModelKind], Path]) -> Iterator[Open]:
    """Returns a TTS in 8 bits on one thread; graphs are built in this process."""

    def built_here(model: Path, precision: Precision, out: Path, **_: object) -> None:
        build(model, precision, out)

    def opened(threads: int = 1, num_slots: int = 1) -> TTS:
        directory = tiny_checkpoint("custom")
        tts = TTS(directory, device="cpu", dtype="int8", threads=threads, num_slots=num_slots)
        tts.load()
        return tts

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "run_builder", built_here)
        yield opened


@pytest.fixture(scope="module")
def tts(open_tts: Open) -> Iterator[TTS]:
    with open_tts() as tts:
        yield tts


def num_threads() -> int:
    gc.collect()
    return psutil.Process().num_threads()


@pytest.mark.parametrize("chunk_frames", [1, 3, 8, None])
def test_streamed_equals_whole(tts: TTS, chunk_frames: int | None) -> None:
    whole = tts.speak("Hello, world.", voice="ryan", seed=1, **FULL)
    chunks = tts.stream("Hello, world.", voice="ryan", seed=1, chunk_frames=chunk_frames, **FULL)
    streamed = join_chunks(chunks)
    assert len(whole.samples) == NUM_FRAMES * 1920
    np.testing.assert_allclose(streamed.samples, whole.samples, atol=1e-4)


def test_a_seed_reproduces_a_take_in_another_engine_on_more_threads(
    tts: TTS, open_tts: Open
) -> None:
    first = tts.speak("Again.", seed=7, **FULL)
    with open_tts(threads=3) as other:
        assert other.load().engine.overlaps
        again = other.speak("Again.", seed=7, **FULL)
    np.testing.assert_allclose(again.samples, first.samples, atol=1e-4)
    different = tts.speak("Again.", seed=8, **FULL)
    assert not np.allclose(different.samples, first.samples, atol=1e-2)


def test_leaving_in_the_middle_leaves_the_engine_usable(tts: TTS) -> None:
    fresh = tts.speak("Stay.", seed=3, **FULL)
    for _ in range(3):
        with tts.stream("Leave.", seed=4, chunk_frames=1, max_frames=60, min_frames=60) as chunks:
            next(chunks)
            next(chunks)
        np.testing.assert_array_equal(tts.speak("Stay.", seed=3, **FULL).samples, fresh.samples)
    assert tts.load().engine._loop.scheduler.is_idle


def test_a_take_that_fails_to_begin_leaves_the_others_running(
    tts: TTS, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error of ours is the fault of the take alone."""
    from intone.core.errors import TextTooLongError

    runner = tts.load().engine._loop._runner
    begin = runner.begin
    calls: list[int] = []

    def fail_once(starts: Sequence[SlotStart]) -> None:
        calls.append(starts[0].slot)
        if len(calls) == 1:
            raise TextTooLongError("no room; shorten it.")
        begin(starts)

    monkeypatch.setattr(runner, "begin", fail_once)
    with pytest.raises(TextTooLongError):
        tts.speak("Fails.", seed=1, max_frames=4)
    assert len(tts.speak("Works.", seed=1, **FULL).samples) == NUM_FRAMES * 1920


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_closing_gives_every_thread_back(open_tts: Open, threads: int) -> None:
    with open_tts(threads) as first:  # whatever is started once per process
        first.speak("Warm.", seed=1, max_frames=2)
    before = num_threads()
    with open_tts(threads) as tts:
        tts.speak("Hello.", seed=1, max_frames=2)
        assert num_threads() > before
    del tts
    assert num_threads() <= before


def test_closing_in_the_middle_of_a_take_ends_it(open_tts: Open) -> None:
    tts = open_tts(threads=3)
    chunks = tts.stream("Closed upon.", seed=1, chunk_frames=1, min_frames=100, max_frames=100)
    next(chunks)
    tts.close()
    assert list(chunks)[-1].finish_reason == "cancelled"


def test_speaking_imports_neither_torch_nor_what_builds(
    tts: TTS, tiny_checkpoint: Callable[[ModelKind], Path]
) -> None:
    code = f"""
import sys
from intone import TTS
with TTS({str(tiny_checkpoint("custom"))!r}, device="cpu", dtype="int8", threads=1) as tts:
    tts.speak("Hello.", seed=1, max_frames=2)
print([name for name in ("torch", "onnx", "scipy") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
def test_two_hundred_takes_in_a_row_need_no_more_memory(open_tts: Open) -> None:
    process = psutil.Process()

    def speak(number: int) -> None:
        # Prompts and takes of many lengths: whatever is kept by length would pile up.
        text = "word " * (1 + number % 37)
        tts.speak(text, seed=number, max_frames=4 + number % 23, chunk_frames=1 + number % 9)

    with open_tts(num_slots=2) as tts:
        for number in range(60):
            speak(number)
        gc.collect()
        before_bytes = process.memory_info().rss
        for number in range(200):
            speak(60 + number)
        gc.collect()
        grown_bytes = process.memory_info().rss - before_bytes
    assert grown_bytes < 8e6


@pytest.mark.slow
def test_opening_and_closing_gives_the_memory_back(open_tts: Open) -> None:
    process = psutil.Process()

    def once() -> None:
        with open_tts(threads=2, num_slots=2) as tts:
            tts.speak("Hello.", seed=1, max_frames=8)
        gc.collect()

    for _ in range(5):
        once()
    before_bytes = process.memory_info().rss
    for _ in range(20):
        once()
    assert process.memory_info().rss - before_bytes < 10e6
