"""Models that make tones at a pace of one's choosing, and count what is done to them.

Frames are made by a task of its own, as an engine makes them: whether anybody listens or not. So a
caller who leaves shows in `frames_made`.
"""

from __future__ import annotations

import asyncio
import hashlib
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from intone.core.constants import SAMPLE_RATE_HZ, SAMPLES_PER_FRAME
from intone.core.errors import (
    EngineStoppedError,
    ModelNotFoundError,
    ReferenceAudioError,
    TextTooLongError,
    UnknownLanguageError,
    UnknownVoiceError,
    UnsupportedModeError,
)
from intone.core.types import (
    Audio,
    AudioChunk,
    Capabilities,
    FinishReason,
    ModelKind,
    Samples,
    SpeechRequest,
    SpeechTiming,
    VoiceClonePrompt,
    join_chunks,
)
from intone.server.admission import Admission
from intone.server.key_ring import KeyRing
from intone.server.keys import KeyFile
from intone.server.metrics import Metrics
from intone.server.pool import ModelPool, PoolLimits
from intone.server.services import Services
from intone.server.settings import Settings
from intone.text.languages import AUTO, CODE_OF_NAME
from intone.voices.library import VoiceLibrary

HIDDEN_SIZE = 16
NUM_CODEBOOKS = 4
PRESETS = ("ryan", "vivian", "aiden", "serena")
MAX_TEXT_CHARACTERS = 20_000


def abilities(name: str, kind: ModelKind = "custom") -> Capabilities:
    """Returns what a fake checkpoint of a kind can do."""
    return Capabilities(
        model=name,
        kind=kind,
        size="tiny",
        voices=PRESETS if kind == "custom" else (),
        languages=(AUTO, *CODE_OF_NAME),
        hidden_size=HIDDEN_SIZE,
        num_codebooks=NUM_CODEBOOKS,
        can_clone=kind == "base",
        follows_instruct=kind != "base",
    )


@dataclass
class Counts:
    """What was done to all models of one name."""

    opens: int = 0
    loads: int = 0
    closes: int = 0
    takes: int = 0
    frames_made: int = 0
    cancellations: int = 0
    requests: list[SpeechRequest] = field(default_factory=list)


@dataclass
class Behaviour:
    """How models of one name behave; a test may change it while they run."""

    frame_s: float = 0.0
    """Time that a frame takes."""
    load_s: float = 0.0
    gate: threading.Event | None = None
    """Frames after the first wait until it is set."""
    chunk_frames: int = 1
    num_frames: Callable[[SpeechRequest], int] = lambda request: 3 + len(request.text) // 8
    finish: FinishReason = "stop"
    fail_at_frame: int | None = None
    """A take raises `error` there; others go on."""
    error: Callable[[], Exception] = lambda: RuntimeError("a crash in one take at /root/secret")
    load_error: Callable[[], Exception] | None = None


class FakeModel:
    """Implements `ServedModel`; a take's sound depends on its request alone."""

    def __init__(self, can: Capabilities, counts: Counts, behaviour: Behaviour) -> None:
        self.can = can
        self.counts = counts
        self.behaviour = behaviour
        self.is_loaded = False
        self.is_closed = False
        self.is_dead = False
        """Its engine's thread died: every request raises EngineStoppedError."""
        self._load_lock = threading.Lock()

    def capabilities(self) -> Capabilities:
        return self.can

    def load(self) -> object:
        with self._load_lock:
            if self.is_closed:
                raise EngineStoppedError("this model is closed.")
            if not self.is_loaded:
                time.sleep(self.behaviour.load_s)
                if self.behaviour.load_error is not None:
                    raise self.behaviour.load_error()
                self.counts.loads += 1
                self.is_loaded = True
        return self

    def synthesize(self, request: SpeechRequest) -> Audio:
        return join_chunks(self.stream_request(request))

    def stream_request(self, request: SpeechRequest) -> Iterator[AudioChunk]:
        take = _Take(self, request)
        try:
            while True:
                while take.must_wait:
                    time.sleep(0.001)
                time.sleep(self.behaviour.frame_s)
                chunk = take.next_frame()
                if chunk is not None:
                    yield chunk
                    if chunk.is_last:
                        return
        finally:
            take.leave()

    async def astream_request(self, request: SpeechRequest) -> AsyncIterator[AudioChunk]:
        take = _Take(self, request)
        queue: asyncio.Queue[AudioChunk | Exception] = asyncio.Queue()
        making = asyncio.create_task(_make(take, queue))
        try:
            while True:
                item = await queue.get()
                if isinstance(item, Exception):
                    raise item
                yield item
                if item.is_last:
                    return
        finally:
            making.cancel()
            take.leave()

    async def astream_live(
        self, request: SpeechRequest, pieces: AsyncIterator[str]
    ) -> AsyncIterator[AudioChunk]:
        """One frame for every eight characters as they come, and three when the text is over."""
        take = _Take(self, request)
        take.grow(request.text)
        try:
            while take.is_open:
                while take.has_text:
                    await asyncio.sleep(self.behaviour.frame_s)
                    chunk = take.next_frame()
                    if chunk is not None:
                        yield chunk
                piece = await anext(pieces, None)
                take.grow(piece or "")
                take.is_open = piece is not None
            while True:
                await asyncio.sleep(self.behaviour.frame_s)
                chunk = take.next_frame()
                if chunk is not None:
                    yield chunk
                    if chunk.is_last:
                        return
        finally:
            take.leave()

    def x_vector(self, samples: Samples) -> Samples:
        if not self.can.can_clone:
            raise UnsupportedModeError(f"{self.can.model} has no speaker encoder; use a base one.")
        if len(samples) < 6_000:
            raise ReferenceAudioError("0.1 s are too little to tell a voice by; give 0.25 s.")
        return _vector(samples.tobytes())

    def clone(
        self,
        ref_audio: tuple[Samples, int] | bytes,
        ref_text: str | None = None,
        *,
        x_vector_only: bool = False,
        append_silence: bool = True,
    ) -> VoiceClonePrompt:
        if not self.can.can_clone:
            raise UnsupportedModeError(f"{self.can.model} cannot clone; use a base model.")
        heard = ref_audio if isinstance(ref_audio, bytes) else ref_audio[0].tobytes()
        x_vector = _vector(heard)
        if x_vector_only or ref_text is None:
            return VoiceClonePrompt(x_vector=x_vector)
        codes = np.ones((5, NUM_CODEBOOKS), dtype=np.int64)
        return VoiceClonePrompt(x_vector=x_vector, ref_codes=codes, ref_text=ref_text)

    def close(self) -> None:
        if not self.is_closed:
            self.is_closed = True
            self.counts.closes += 1

    def die(self) -> None:
        """Kills the engine: takes under way and to come raise EngineStoppedError."""
        self.is_dead = True


class _Take:
    """One take in the making, frame by frame."""

    def __init__(self, model: FakeModel, request: SpeechRequest) -> None:
        model.load()
        _check(model.can, request)
        self._model = model
        self._request = request
        self._started_s = time.perf_counter()
        asked = model.behaviour.num_frames(request)
        self._num_frames = min(asked, request.max_frames or asked)
        is_cut = self._num_frames < asked
        self._finish: FinishReason = "length" if is_cut else model.behaviour.finish
        self._made = 0
        self._pending: list[Samples] = []
        self._is_over = False
        self.is_open = False
        """More text may come: nothing ends the take."""
        self._text = ""
        self._hz = 120.0 + _number(request) % 200
        model.counts.takes += 1
        model.counts.requests.append(request)

    @property
    def must_wait(self) -> bool:
        gate = self._model.behaviour.gate
        is_shut = gate is not None and not gate.is_set() and self._made > 0
        return is_shut and not (self._model.is_dead or self._model.is_closed)

    def grow(self, text: str) -> None:
        """Takes more text; from the first piece on, the take waits for its end."""
        self.is_open, self._text = True, self._text + text
        self._num_frames = 3 + len(self._text) // 8

    @property
    def has_text(self) -> bool:
        return self._made < len(self._text) // 8

    def next_frame(self) -> AudioChunk | None:
        """Makes one frame; returns a chunk when one is full, or raises what ends the take."""
        behaviour = self._model.behaviour
        if self._model.is_dead:
            raise EngineStoppedError("the engine stopped; its thread died.")
        if self._made == behaviour.fail_at_frame:
            raise behaviour.error()
        self._pending.append(self._tone())
        self._made += 1
        self._model.counts.frames_made += 1
        is_cut = self._model.is_closed
        is_full = self._made >= self._num_frames and not self.is_open
        self._is_over = is_cut or is_full
        if self._is_over or len(self._pending) >= behaviour.chunk_frames:
            return self._chunk("cancelled" if is_cut else self._finish)
        return None

    def leave(self) -> None:
        """Counts a take that was not heard to its end."""
        if not self._is_over:
            self._is_over = True
            self._model.counts.cancellations += 1

    def _chunk(self, finish: FinishReason) -> AudioChunk:
        samples, num_frames = np.concatenate(self._pending), len(self._pending)
        self._pending = []
        wall_s = max(1e-6, time.perf_counter() - self._started_s)
        return AudioChunk(
            samples=samples,
            sample_rate_hz=SAMPLE_RATE_HZ,
            start_frame=self._made - num_frames,
            num_frames=num_frames,
            timing=SpeechTiming(
                ttfa_s=wall_s, wall_s=wall_s, audio_s=self._made * SAMPLES_PER_FRAME / 24_000
            ),
            seed=7 if self._request.seed is None else self._request.seed,
            finish_reason=finish if self._is_over else None,
        )

    def _tone(self) -> Samples:
        time_s = (np.arange(SAMPLES_PER_FRAME) + self._made * SAMPLES_PER_FRAME) / SAMPLE_RATE_HZ
        return (0.2 * np.sin(2 * np.pi * self._hz * time_s)).astype(np.float32)


class FakeSource:
    """Implements `ModelSource`; keeps every model that it opened."""

    def __init__(
        self, models: tuple[Capabilities, ...] | None = None, *, memory_bytes: int = 1_000_000_000
    ) -> None:
        found = models or (
            abilities("fake-custom"),
            abilities("fake-base", "base"),
            abilities("fake-design", "design"),
        )
        self.models = {can.model: can for can in found}
        self.counts = {name: Counts() for name in self.models}
        self.behaviours = {name: Behaviour() for name in self.models}
        self.sizes = dict.fromkeys(self.models, memory_bytes)
        self.opened: list[FakeModel] = []

    def default(self) -> str:
        return next(iter(self.models))

    def names(self) -> tuple[str, ...]:
        return tuple(self.models)

    def describe(self, name: str) -> Capabilities:
        if name not in self.models:
            raise ModelNotFoundError(
                f"model {name!r} is not on this machine; here: {', '.join(self.models)}."
            )
        return self.models[name]

    def memory_bytes(self, name: str) -> int:
        return self.sizes[self.describe(name).model]

    def open(self, name: str) -> FakeModel:
        can = self.describe(name)
        model = FakeModel(can, self.counts[can.model], self.behaviours[can.model])
        self.counts[can.model].opens += 1
        self.opened.append(model)
        return model

    @property
    def frames_made(self) -> int:
        return sum(counts.frames_made for counts in self.counts.values())


def fake_services(
    folder: Path, source: FakeSource | None = None, settings: Settings | None = None
) -> Services:
    """Returns services over fake models; voices and keys lie in `folder`."""
    source = source or FakeSource()
    settings = settings or Settings()
    keys = KeyRing(KeyFile(folder / "keys.json"))
    queue = settings.queue
    return Services(
        settings=settings,
        source=source,
        pool=ModelPool(
            source,
            PoolLimits(
                memory_budget_bytes=settings.model.memory_budget,
                max_wait_s=settings.model.load_wait_s,
            ),
            time.monotonic,
        ),
        admission=Admission(
            max_running=queue.running or 8,
            max_waiting=queue.waiting,
            max_wait_s=queue.wait_s,
            clock=time.monotonic,
            limits_of=keys.limits_of,
        ),
        library=VoiceLibrary(folder / "voices"),
        metrics=Metrics(),
        keys=keys,
        clock=time.monotonic,
    )


def with_settings(services: Services, **sections: object) -> Services:
    """Returns the same services under other settings."""
    return replace(services, settings=services.settings.model_copy(update=sections))


async def _make(take: _Take, queue: asyncio.Queue[AudioChunk | Exception]) -> None:
    """Makes frames until the take is over, or this task is cancelled."""
    try:
        while True:
            while take.must_wait:
                await asyncio.sleep(0.001)
            await asyncio.sleep(take._model.behaviour.frame_s)
            chunk = take.next_frame()
            if chunk is not None:
                queue.put_nowait(chunk)
                if chunk.is_last:
                    return
    except Exception as error:
        queue.put_nowait(error)


def _check(can: Capabilities, request: SpeechRequest) -> None:
    if len(request.text) > MAX_TEXT_CHARACTERS:
        raise TextTooLongError(
            f"the text needs {len(request.text)} positions; allowed: {MAX_TEXT_CHARACTERS}."
        )
    if request.language.lower() not in can.languages:
        raise UnknownLanguageError(
            f"language {request.language!r} is unknown; known: {', '.join(can.languages)}."
        )
    voice = request.voice
    if isinstance(voice, str) and voice.lower().replace(" ", "_") not in can.voices:
        raise UnknownVoiceError(f"no voice {voice!r}; presets: {', '.join(can.voices)}.")


def _number(request: SpeechRequest) -> int:
    voice = request.voice
    who = voice.x_vector.tobytes() if isinstance(voice, VoiceClonePrompt) else voice
    parts = repr((request.text, request.seed, request.instruct, who))
    return int.from_bytes(hashlib.sha256(parts.encode()).digest()[:4], "big")


def _vector(heard: bytes) -> Samples:
    seed = int.from_bytes(hashlib.sha256(heard).digest()[:4], "big")
    vector = np.random.default_rng(seed).normal(size=HIDDEN_SIZE)
    return (vector / np.linalg.norm(vector)).astype(np.float32)
