"""`TTS`: the in-process synthesizer. Lazy to load, safe to share, closed like a file."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path
from queue import SimpleQueue
from threading import Lock
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING, Self, Unpack

from intone.audio.reference import ReferenceSource, load_reference
from intone.core.byte_sizes import parse_bytes
from intone.core.constants import SAMPLE_RATE_HZ
from intone.core.errors import EngineStoppedError, InvalidSettingError, ReferenceAudioError
from intone.core.speak_options import SpeakOptions, speech_request
from intone.core.types import (
    Audio,
    AudioChunk,
    Capabilities,
    Samples,
    SpeechRequest,
    VoiceClonePrompt,
    join_chunks,
)
from intone.engine.async_chunks import AsyncItems, async_chunks
from intone.engine.chunk_stream import ChunkStream, watched
from intone.engine.delivery import Delivery, Draws
from intone.engine.live_feed import LiveFeed
from intone.engine.profile import DEFAULT_PROFILE, profile_of
from intone.engine.request import (
    guard_of,
    job_of,
    leak_watch_of,
    max_frames_of,
    prompt_of,
    spec_of,
)
from intone.engine.settings import EngineSettings
from intone.engine.take import Emit, Take
from intone.models.hub import HubSettings
from intone.runtime.free_memory import return_free_memory
from intone.runtime.rng import fresh_seed
from intone.voices.builtin_voice import BUILTIN_MODEL, model_directory
from intone.voices.library import VoiceLibrary
from intone.voices.lookup import named_voice

if TYPE_CHECKING:
    from intone.engine.loading import LoadedModel
    from intone.models.config import ModelConfig
    from intone.prompt.live_text import LiveText

WHOLE_TAKE_CHUNK_FRAMES = 24
"""Where nobody listens along: the codec is cheapest per frame in chunks of about this size."""

MIN_HEARD_S = 0.25
"""The speaker encoder gives a vector for less, but not one that means anybody."""


class TTS:
    """Speaks with one checkpoint in this process; implements `Synthesizer`.

    Nothing is loaded until it is needed. Many threads and tasks may call at once: their takes share
    one engine and run in one batch.
    """

    def __init__(
        self,
        model: str | Path | None = None,
        *,
        device: str = "auto",
        dtype: str = "auto",
        threads: int | None = None,
        num_slots: int | None = None,
        num_positions: int | None = None,
        profile: str = DEFAULT_PROFILE,
        eager: bool = False,
        memory_budget: int | str | None = None,
    ) -> None:
        """Remembers what to load.

        Args:
            model: alias ("0.6b-custom"), hub id or directory; None is the built-in voice. Nothing
                is ever downloaded here: pull first (`intone models pull`).
            device: auto, cpu, cuda or cuda:N.
            dtype: auto, fp32, bf16, fp16, int8 or int4, for talker and code predictor.
            threads: cores to use on a CPU; None takes all that this process may use.
            num_slots: takes that run at once; None: 8 on a CPU, or as many as the budget holds; on
                CUDA what the profile says, 8 if `eager`.
            num_positions: rows of prompt and frames that one take may fill; None: 4,096, or what
                the budget holds.
            profile: latency, balanced or throughput: what streams are tuned for.
            eager: on CUDA, run without graphs and pages; slow, to find faults.
            memory_budget: the most that this process may keep resident while it speaks, in bytes
                or as "2GB"; kept, or refused when the model is to be loaded. On a CPU only.

        Raises:
            InvalidSettingError: a number outside its range, no size, or an unknown profile.
        """
        _check_at_least(1, "threads", threads)
        _check_at_least(1, "num_slots", num_slots)
        _check_at_least(16, "num_positions", num_positions)
        self._model = model
        self._settings = EngineSettings(
            device=device,
            dtype=dtype,
            threads=threads,
            num_slots=num_slots,
            num_positions=num_positions,
            profile=profile_of(profile).name,
            eager=eager,
            memory_budget_bytes=None if memory_budget is None else parse_bytes(memory_budget),
        )
        self._lock = Lock()
        self._loaded: LoadedModel | None = None
        self._is_closed = False

    def load(self) -> LoadedModel:
        """Loads the model now instead of with the first request; returns its parts.

        Raises:
            ModelError: not on this machine, or unusable.
            InvalidSettingError: the memory budget does not hold it; nothing was loaded.
            EngineStoppedError: this TTS was closed.
        """
        from intone.engine.loading import load_model  # brings the runtime, when needed

        with self._lock:
            if self._is_closed:
                raise EngineStoppedError("this TTS is closed; make a new one to speak again.")
            if self._loaded is None:
                self._loaded = load_model(self._directory(), self._settings)
            return self._loaded

    def _directory(self) -> Path:
        return model_directory(self._model, HubSettings.from_env(os.environ))

    def capabilities(self) -> Capabilities:
        """Returns what this checkpoint can be asked for; no weights are loaded for it.

        Raises:
            ModelError: not on this machine, or unusable.
        """
        config = self._config()
        return Capabilities(
            model=str(self._model or BUILTIN_MODEL),
            kind=config.kind,
            size=config.size,
            voices=config.speakers,
            languages=config.languages,
            hidden_size=config.talker.hidden_size,
            num_codebooks=config.talker.num_codebooks,
            can_clone=config.speaker_encoder is not None,
            follows_instruct=config.follows_instruct,
        )

    def _config(self) -> ModelConfig:
        from intone.models.description import ModelDescription

        with self._lock:
            loaded = self._loaded
        if loaded is not None:
            return loaded.description.config
        return ModelDescription.read(self._directory()).config

    def clone(
        self,
        ref_audio: ReferenceSource,
        ref_text: str | None = None,
        *,
        x_vector_only: bool = False,
        append_silence: bool = True,
    ) -> VoiceClonePrompt:
        """Returns the voice of a clip for `speak(voice=...)`: ICL with its words, else x-vector.

        Args:
            ref_audio: file, bytes, or (samples, rate in Hz); 1 to 60 s.
            ref_text: the exact words of the clip.
            x_vector_only: use the x-vector even where words are given.
            append_silence: end an ICL reference with half a second of silence (clean first word).

        Raises:
            ReferenceAudioError, UnsupportedModeError
            InvalidSettingError: the memory budget leaves no room to encode a clip of this length.
        """
        clip = load_reference(ref_audio)  # a bad clip is told before the model is loaded
        loaded = self.load()
        loaded.plan.check_clip(clip.duration_s)
        return loaded.cloner.clone(
            clip,
            ref_text,
            x_vector_only=x_vector_only,
            append_silence=append_silence,
        )

    def x_vector(self, samples: Samples) -> Samples:
        """Returns who speaks in samples [S] at 24 kHz, as a vector [H]; raises as `Synthesizer`."""
        if len(samples) < MIN_HEARD_S * SAMPLE_RATE_HZ:
            raise ReferenceAudioError(
                f"{len(samples) / SAMPLE_RATE_HZ:.2f} s are too little to tell a voice by; give "
                f"{MIN_HEARD_S} s or more."
            )
        return self.load().cloner.x_vector(samples)

    def speak(self, text: str, **options: Unpack[SpeakOptions]) -> Audio:
        """Returns the whole take.

        Raises:
            RequestError: the subclass says what to change.
            ModelError: the model cannot be loaded.
        """
        return self.synthesize(speech_request(text, options))

    def stream(self, text: str, **options: Unpack[SpeakOptions]) -> ChunkStream:
        """Returns the take chunk by chunk, from the first frame on; raises as `speak` does."""
        return self.stream_request(speech_request(text, options))

    def astream(self, text: str, **options: Unpack[SpeakOptions]) -> AsyncIterator[AudioChunk]:
        """The same as `stream` for a task; leaving the loop early cancels."""
        return self.astream_request(speech_request(text, options))

    def synthesize(
        self, request: SpeechRequest, *, watch: Callable[[AudioChunk], None] | None = None
    ) -> Audio:
        """Returns the whole take of a request; raises as `speak` does.

        Args:
            watch: sees every chunk as it is made, those of draws that are thrown away included.
        """
        draws, takes = Draws(_seed_of(request)), list[Audio]()
        accepted_at = perf_counter()
        while True:
            chunks: SimpleQueue[AudioChunk | BaseException] = SimpleQueue()
            self._start(request, draws.seed, _whole_ramp(request), chunks.put, accepted_at)
            takes.append(join_chunks(watched(chunks, watch)))
            if takes[-1].finish_reason != "guard" or not draws.again():
                return draws.chosen(takes, request)

    def stream_request(self, request: SpeechRequest) -> ChunkStream:
        """Returns the chunks of a request; raises as `speak` does, before the first chunk."""
        accepted_at = perf_counter()

        def start(seed: int, emit: Emit) -> Take:
            return self._start(request, seed, self._ramp(request), emit, accepted_at)

        return ChunkStream(start, Delivery(_seed_of(request), request.speed))

    async def astream_request(self, request: SpeechRequest) -> AsyncIterator[AudioChunk]:
        """Yields the chunks of a request without blocking the event loop."""
        accepted_at = perf_counter()

        def start(seed: int, emit: Emit) -> Take:
            return self._start(request, seed, self._ramp(request), emit, accepted_at)

        delivery = Delivery(_seed_of(request), request.speed)
        async with aclosing(async_chunks(start, delivery, AsyncItems())) as chunks:
            async for chunk in chunks:
                yield chunk

    async def astream_live(
        self, request: SpeechRequest, pieces: AsyncIterator[str]
    ) -> AsyncIterator[AudioChunk]:
        """Yields the chunks of a take whose text arrives while it is spoken.

        The take waits where its text has run out, and keeps its slot: end the pieces. A cloned
        voice with reference words (ICL) begins when there is as much text as there are frames.

        Args:
            request: its text is the first piece.
            pieces: more text, white space and all; what they raise, this raises.
        """
        accepted_at, items = perf_counter(), AsyncItems()
        loaded = await asyncio.to_thread(self.load)
        voice = await asyncio.to_thread(self._voice, request.voice, loaded)
        spec, live = spec_of(request, voice, loaded), loaded.prompts.live_text()

        def start(seed: int, emit: Emit) -> Take:
            take = _take(request, voice, loaded, seed, self._ramp(request), emit, accepted_at, live)
            loaded.engine.submit(take)
            return take

        feed = LiveFeed(live, on_text=loaded.engine.look_again)
        feeding = asyncio.create_task(feed.run(request.text, pieces, items.emit))
        try:
            await feed.wait_until(lambda: loaded.prompts.can_begin(spec, live))
            delivery = Delivery(_seed_of(request), request.speed)
            async with aclosing(async_chunks(start, delivery, items)) as chunks:
                async for chunk in chunks:
                    yield chunk
        finally:
            loaded.engine.look_again()  # a cancelled take may be waiting for text
            feeding.cancel()
            await asyncio.gather(feeding, return_exceptions=True)

    def check(self, request: SpeechRequest) -> None:
        """Raises what speaking this request would raise before its first frame."""
        loaded = self.load()
        prompt = prompt_of(request, self._voice(request.voice, loaded), loaded)
        job_of(request, prompt, 0, loaded)
        max_frames_of(request, prompt, loaded)

    def _start(
        self,
        request: SpeechRequest,
        seed: int,
        ramp: tuple[int, ...],
        emit: Emit,
        accepted_at: float,
    ) -> Take:
        """Builds the prompt on the caller's thread and submits one draw."""
        while True:
            loaded = self.load()
            voice = self._voice(request.voice, loaded)
            take = _take(request, voice, loaded, seed, ramp, emit, accepted_at)
            try:
                loaded.engine.submit(take)
            except EngineStoppedError:
                if self._holds(loaded):
                    raise
                continue  # it was unloaded since; the request loads again, as any other would
            return take

    def _ramp(self, request: SpeechRequest) -> tuple[int, ...]:
        profile = profile_of(self._settings.profile)
        return profile.ramp_frames if request.chunk_frames is None else (request.chunk_frames,)

    def _voice(
        self, voice: str | VoiceClonePrompt | None, loaded: LoadedModel
    ) -> str | VoiceClonePrompt | None:
        if not isinstance(voice, str):
            return voice
        library = VoiceLibrary.from_env(os.environ)
        model = str(self._model or BUILTIN_MODEL)
        return named_voice(voice, loaded.description.config, library, model=model)

    def _holds(self, loaded: LoadedModel) -> bool:
        """Whether this is still the model in use, or the last one."""
        with self._lock:
            return self._is_closed or self._loaded is loaded

    def unload(self) -> None:
        """Ends running takes as cancelled and gives the model's memory back to the system.

        The next request loads again. PyTorch, where cloning or a precision of its own brought it,
        stays: a library cannot be unloaded.
        """
        with self._lock:
            self._free()

    def use(self, model: str | Path | None) -> None:
        """Speaks with another checkpoint from now on; what is loaded is freed first (`unload`).

        Args:
            model: as for `TTS(model)`; it is loaded with the next request, and the settings of
                this TTS, its memory budget included, hold for it too.
        """
        with self._lock:
            self._free()
            self._model = model

    def close(self) -> None:
        """Ends running takes as cancelled and frees the model; a second call does nothing."""
        with self._lock:
            self._is_closed = True
            self._free()

    def _free(self) -> None:
        """Under the lock: nobody loads another model before this one is gone."""
        loaded, self._loaded = self._loaded, None
        if loaded is None:
            return
        loaded.engine.close()
        del loaded
        gc.collect()
        return_free_memory()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _check_at_least(least: int, name: str, value: int | None) -> None:
    if value is not None and value < least:
        raise InvalidSettingError(f"{name} is {value}; allowed: {least} or more.")


def _whole_ramp(request: SpeechRequest) -> tuple[int, ...]:
    return (request.chunk_frames or WHOLE_TAKE_CHUNK_FRAMES,)


def _take(
    request: SpeechRequest,
    voice: str | VoiceClonePrompt | None,
    loaded: LoadedModel,
    seed: int,
    ramp: tuple[int, ...],
    emit: Emit,
    accepted_at: float,
    live: LiveText | None = None,
) -> Take:
    """Returns one draw of a request, to be submitted; raises RequestError."""
    prompt = prompt_of(request, voice, loaded, live)
    return Take(
        job=job_of(request, prompt, seed, loaded),
        max_frames=max_frames_of(request, prompt, loaded),
        ramp=ramp,
        emit=emit,
        accepted_at=accepted_at,
        guard=guard_of(request, live),
        leak=leak_watch_of(request, voice),
    )


def _seed_of(request: SpeechRequest) -> int:
    return fresh_seed() if request.seed is None else request.seed
