"""A runner and a decoder without a model: every call is checked against its protocol.

Nothing here sleeps: a test that needs a moment holds a gate.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from intone.core.constants import SAMPLES_PER_FRAME
from intone.core.types import AudioChunk, Codes, Samples, SamplingParams
from intone.engine.codec_queue import CodecQueue
from intone.engine.guard import GuardPlan, TakeGuard
from intone.engine.leak import LeakWatch
from intone.engine.loop import DecodeLoop
from intone.engine.take import Take
from intone.prompt.talker_prompt import TalkerPrompt
from intone.runtime.job import FrameBatch, PageLayout, SlotJob, SlotStart

NUM_CODEBOOKS = 4
TIMEOUT_S = 10.0
"""No gate or take of these tests takes so long, unless something is broken."""


@dataclass
class FakeRunner:
    """Frame f of a take with seed s is [s, f, f, f]; the take ends after s % 7 + 1 frames.

    With `is_endless`, only the frame budget ends a take. With a lag, frames are drawn when they
    are launched, as a device does, and seen one launch later.
    """

    num_slots: int = 3
    num_pages: int | None = None
    """None: one page for each slot, as a dense cache has."""
    page_positions: int = 100_000
    lag_frames: int = 0
    frames: dict[int, int] = field(default_factory=dict)
    """Frames made, by running slot."""
    jobs: dict[int, SlotJob] = field(default_factory=dict)
    lent: dict[int, list[int]] = field(default_factory=dict)
    """Pages, by running slot."""
    is_endless: bool = False
    is_closed: bool = False
    fail_on_step: BaseException | None = None
    fail_on_begin: BaseException | None = None
    steps: list[list[int]] = field(default_factory=list)
    begun: list[list[int]] = field(default_factory=list)
    """Rows prefilled, by call of `begin`."""
    num_resumed: int = 0
    """Takes that came back with frames."""
    in_flight: deque[FrameBatch] = field(default_factory=deque)

    @property
    def pages(self) -> PageLayout:
        return PageLayout(self.num_pages or self.num_slots, self.page_positions)

    def begin(self, starts: Sequence[SlotStart]) -> None:
        if self.fail_on_begin is not None:
            raise self.fail_on_begin
        self.begun.append([start.num_positions for start in starts])
        for start in starts:
            slot = start.slot
            assert 0 <= slot < self.num_slots
            assert slot not in self.jobs, "a slot was begun twice"
            self.jobs[slot], self.frames[slot] = start.job, 0
            self.lent[slot] = []
            self.grow(slot, start.pages)
            assert self._room(slot) > start.num_positions
            if start.frames is not None:
                self._resume(slot, start.frames)

    def _resume(self, slot: int, frames: Codes) -> None:
        seed = self.jobs[slot].seed
        np.testing.assert_array_equal(frames, [[seed, f, f, f] for f in range(len(frames))])
        self.frames[slot] = len(frames)
        self.num_resumed += 1

    def grow(self, slot: int, pages: Sequence[int]) -> None:
        held = [page for lent in self.lent.values() for page in lent]
        assert not set(pages) & set(held), "a page was lent twice"
        assert all(0 <= page < self.pages.num_pages for page in pages)
        self.lent[slot].extend(pages)

    def _room(self, slot: int) -> int:
        return len(self.lent[slot]) * self.page_positions

    def launch(self, slots: Sequence[int]) -> None:
        if self.fail_on_step is not None:
            raise self.fail_on_step
        assert len(set(slots)) == len(slots)
        assert len(self.in_flight) <= self.lag_frames
        for slot in slots:
            needed = self.jobs[slot].prompt.num_rows + self.frames[slot]
            assert self._room(slot) > needed, "there is no memory for the frame"
        self.in_flight.append(self.step(slots))

    def step(self, slots: Sequence[int]) -> FrameBatch:
        self.steps.append(list(slots))
        codes = np.zeros((len(slots), NUM_CODEBOOKS), dtype=np.int64)
        ended = np.zeros(len(slots), dtype=np.bool_)
        for i, slot in enumerate(slots):
            seed, frame = self.jobs[slot].seed, self.frames[slot]
            ended[i] = frame >= seed % 7 + 1 and not self.is_endless
            codes[i] = [seed, frame, frame, frame]
            self.frames[slot] += 1
        return FrameBatch(codes=codes, ended=ended)

    def collect(self) -> FrameBatch:
        return self.in_flight.popleft()

    def release(self, slot: int) -> None:
        self.jobs.pop(slot, None)
        self.lent.pop(slot, None)

    def close(self) -> None:
        self.is_closed = True


@dataclass
class FakeStream:
    """Knows how far it is, and whose frames it has heard."""

    seed: int | None = None
    num_frames: int = 0
    is_released: bool = False


@dataclass
class FakeDecoder:
    """Frame f of a take sounds like f + seed / 1000, 1920 times."""

    gate: threading.Event | None = None
    """Nothing is decoded until this is set."""
    entered: threading.Event = field(default_factory=threading.Event)
    """Set as soon as a decode has begun."""
    calls: list[list[tuple[int, int]]] = field(default_factory=list)
    """(seed, frames) of each stream, by call of `decode`."""
    opened: list[Codes | None] = field(default_factory=list)
    errors: dict[int, BaseException] = field(default_factory=dict)
    """Raised by a call that decodes this seed, until taken out."""
    fail_on_open: BaseException | None = None
    num_open: int = 0
    """Streams that were opened and not released."""
    max_call_frames: int = 32
    max_joined_frames: int = 16
    is_closed: bool = False
    threads: set[str] = field(default_factory=set)

    def open(self, ref_codes: Codes | None) -> FakeStream:
        self.threads.add(threading.current_thread().name)
        if self.fail_on_open is not None:
            raise self.fail_on_open
        self.opened.append(ref_codes)
        self.num_open += 1
        return FakeStream()

    def decode(self, streams: Sequence[FakeStream], codes: Sequence[Codes]) -> list[Samples]:
        self.threads.add(threading.current_thread().name)
        self.entered.set()
        if self.gate is not None:
            assert self.gate.wait(TIMEOUT_S)
        assert not self.is_closed
        assert len({id(stream) for stream in streams}) == len(streams) == len(codes)
        assert len({len(frames) for frames in codes}) == 1, "one size in one call"
        seeds = [int(frames[0, 0]) for frames in codes]
        self.calls.append([(seed, len(f)) for seed, f in zip(seeds, codes, strict=True)])
        for seed in seeds:
            if seed in self.errors:
                raise self.errors[seed]
        return [self._hear(s, f) for s, f in zip(streams, codes, strict=True)]

    def _hear(self, stream: FakeStream, frames: Codes) -> Samples:
        assert stream.seed in (None, frames[0, 0]), "a stream hears one take only"
        assert frames[0, 1] == stream.num_frames, "frames reach the codec in order, once"
        assert len(frames) > 0
        assert not stream.is_released
        stream.seed = int(frames[0, 0])
        stream.num_frames += len(frames)
        sound = frames[:, 1] + frames[:, 0] / 1000
        return np.repeat(sound.astype(np.float32), SAMPLES_PER_FRAME)

    def release(self, stream: FakeStream) -> None:
        assert not stream.is_released, "a stream was released twice"
        assert not self.is_closed
        stream.is_released = True
        self.num_open -= 1

    def close(self) -> None:
        self.is_closed = True


@dataclass
class InTurns:
    """Loop and codec on one thread, in turns that the test chooses."""

    runner: FakeRunner = field(default_factory=FakeRunner)
    decoder: FakeDecoder = field(default_factory=FakeDecoder)
    prefill_rows: int = 1024

    def __post_init__(self) -> None:
        self.codec = CodecQueue(self.decoder)
        self.loop = DecodeLoop(self.runner, self.codec, self.prefill_rows)

    def start(self, seed: int, **options: object) -> tuple[Take, Sink]:
        take, sink = make_take(seed, **options)
        self.loop.scheduler.add(take)
        return take, sink

    def make_frames(self, turns: int = 1) -> None:
        for _ in range(turns):
            self.loop.turn()

    def make_audio(self, turns: int = 1) -> None:
        for _ in range(turns):
            self.codec.turn()

    def run_until_idle(self, limit: int = 2000) -> None:
        for _ in range(limit):
            if self.loop.scheduler.is_idle and self.codec.num_takes == 0:
                return
            self.loop.turn()
            self.codec.turn()
        raise AssertionError("the loop does not come to rest")


@dataclass
class Sink:
    """Collects what a take emits."""

    items: list[AudioChunk | BaseException] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def __call__(self, item: AudioChunk | BaseException) -> None:
        assert not self.is_over, "nothing follows the last item"
        self.items.append(item)
        if self.is_over:
            self.over.set()

    def wait(self) -> None:
        assert self.over.wait(TIMEOUT_S), "the take did not end"

    @property
    def is_over(self) -> bool:
        if not self.items:
            return False
        last = self.items[-1]
        return isinstance(last, BaseException) or last.is_last

    @property
    def chunks(self) -> list[AudioChunk]:
        return [item for item in self.items if isinstance(item, AudioChunk)]

    @property
    def reason(self) -> str | None:
        return self.chunks[-1].finish_reason if self.chunks else None

    @property
    def heard(self) -> list[float]:
        """What each frame sounds like, see `FakeDecoder`."""
        samples = np.concatenate([chunk.samples for chunk in self.chunks])
        return [round(float(frame), 3) for frame in samples.reshape(-1, SAMPLES_PER_FRAME)[:, 0]]


def make_take(
    seed: int,
    *,
    max_frames: int = 100,
    num_rows: int = 0,
    ramp: tuple[int, ...] = (1, 2, 4, 8),
    ref_codes: Codes | None = None,
    plan: GuardPlan | None = None,
    leak: LeakWatch | None = None,
) -> tuple[Take, Sink]:
    sink = Sink()
    empty = np.empty(0, dtype=np.int64)
    prompt = TalkerPrompt(
        text_ids=np.zeros(num_rows, dtype=np.int64),
        codec_ids=np.zeros((num_rows, NUM_CODEBOOKS), dtype=np.int64),
        speaker_row=None,
        x_vector=None,
        trailing_text_ids=empty,
        pad_text_id=0,
        ref_codes=ref_codes,
        num_text_tokens=0,
    )
    job = SlotJob(
        prompt=prompt, sampling=SamplingParams(), predictor_sampling=SamplingParams(), seed=seed
    )
    guard = None if plan is None else TakeGuard(plan)
    take = Take(job=job, max_frames=max_frames, ramp=ramp, emit=sink, guard=guard, leak=leak)
    return take, sink
