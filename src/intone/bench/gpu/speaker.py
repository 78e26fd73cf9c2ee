"""Takes of one loaded model, heard as they come: when each chunk came, and how long it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from queue import SimpleQueue
from time import perf_counter

from intone.bench.job import DEFAULT_TEXT
from intone.bench.serve.listening import Heard, Listener
from intone.bench.worker import any_voice
from intone.core.constants import CHUNK_RAMP_FRAMES, FRAME_S, SAMPLES_PER_FRAME
from intone.core.types import AudioChunk, SpeechRequest
from intone.engine.loading import LoadedModel
from intone.engine.request import job_of, max_frames_of, prompt_of
from intone.engine.take import Emit, Take

_BYTES_PER_SAMPLE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeSetting:
    """What is spoken; the end token is banned, so every take has its frames whatever it says."""

    num_frames: int
    chunk_frames: int | None = None
    """None is the ramp."""
    text: str = DEFAULT_TEXT


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """One chunk."""

    at_s: float
    """Since the take was asked for."""
    num_frames: int


@dataclass(slots=True, kw_only=True)
class Trace:
    """One take."""

    asked_at: float
    chunks: list[Arrived] = field(default_factory=list)

    @property
    def ttfa_s(self) -> float:
        """Random weights know no silence: the first sample counts, not the first audible one."""
        return self.chunks[0].at_s

    @property
    def wall_s(self) -> float:
        return self.chunks[-1].at_s

    @property
    def audio_s(self) -> float:
        return sum(chunk.num_frames for chunk in self.chunks) * FRAME_S

    @property
    def gaps_s(self) -> list[float]:
        """Between one chunk and the next."""
        times = [chunk.at_s for chunk in self.chunks]
        return [later - before for before, later in zip(times, times[1:], strict=False)]

    def played(self) -> Heard:
        """Returns what somebody notices who plays the take as it comes."""
        listener = Listener()
        for chunk in self.chunks:
            pcm = bytes(chunk.num_frames * SAMPLES_PER_FRAME * _BYTES_PER_SAMPLE)
            listener.hear(chunk.at_s, pcm)
        return listener.heard()


class Speaker:
    """Asks a model for takes and hears them; one thread at a time."""

    def __init__(self, model: LoadedModel) -> None:
        self._model = model

    def speak(self, setting: TakeSetting, num_streams: int = 1) -> list[Trace]:
        """Returns takes that were asked for at the same time.

        Raises:
            IntoneError: what the engine said instead of a chunk.
        """
        return self._hear(self._begin(setting, num_streams))

    def first_chunk(self, setting: TakeSetting) -> Trace:
        """Returns a take of which only the first chunk was wanted."""
        return self._hear(self._begin(setting, 1), is_first_enough=True)[0]

    def _begin(self, setting: TakeSetting, num_streams: int) -> _Audience:
        audience = _Audience()
        for seed in range(num_streams):
            trace = Trace(asked_at=perf_counter())
            take = self._take(setting, seed, audience.ear(seed), trace.asked_at)
            audience.traces.append(trace)
            audience.takes.append(take)
            self._model.engine.submit(take)
        return audience

    def _take(self, setting: TakeSetting, seed: int, emit: Emit, asked_at: float) -> Take:
        request = SpeechRequest(
            text=setting.text,
            voice=any_voice(self._model.description.config),
            seed=seed,
            min_frames=setting.num_frames,
            max_frames=setting.num_frames,
            chunk_frames=setting.chunk_frames,
        )
        voice = request.voice
        prompt = prompt_of(request, voice, self._model)
        return Take(
            job=job_of(request, prompt, seed, self._model),
            max_frames=max_frames_of(request, prompt, self._model),
            ramp=_ramp(setting),
            emit=emit,
            accepted_at=asked_at,
        )

    def _hear(self, audience: _Audience, *, is_first_enough: bool = False) -> list[Trace]:
        num_open = len(audience.takes)
        while num_open:
            index, item = audience.inbox.get()
            now = perf_counter()
            if isinstance(item, BaseException):
                raise item
            trace = audience.traces[index]
            if item.num_frames:
                trace.chunks.append(Arrived(at_s=now - trace.asked_at, num_frames=item.num_frames))
            if item.is_last:
                num_open -= 1
            elif is_first_enough:
                audience.takes[index].cancel()
                self._model.engine.look_again()
        return audience.traces


@dataclass(slots=True, eq=False)
class _Audience:
    """Takes that are under way, all heard by one thread."""

    takes: list[Take] = field(default_factory=list)
    traces: list[Trace] = field(default_factory=list)
    inbox: SimpleQueue[tuple[int, AudioChunk | BaseException]] = field(default_factory=SimpleQueue)

    def ear(self, index: int) -> Emit:
        return lambda item: self.inbox.put((index, item))


def _ramp(setting: TakeSetting) -> Sequence[int]:
    return CHUNK_RAMP_FRAMES if setting.chunk_frames is None else (setting.chunk_frames,)
