"""`TTS`: the in-process synthesizer. Lazy to load, safe to share, closed like a file."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import AsyncIterator
from pathlib import Path
from queue import SimpleQueue
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypedDict, Unpack

from intone.audio.reference import ReferenceSource, load_reference
from intone.core.byte_sizes import parse_bytes
from intone.core.constants import CHUNK_RAMP_FRAMES, MIN_FRAMES_BEFORE_EOS
from intone.core.errors import EngineStoppedError, InvalidSettingError, TextTooLongError
from intone.core.types import (
    Audio,
    AudioChunk,
    Capabilities,
    SamplingOverrides,
    SpeechRequest,
    TextLayout,
    VoiceClonePrompt,
    join_chunks,
)
from intone.engine.settings import EngineSettings
from intone.engine.take import Emit, Take
from intone.models.hub import HubSettings, resolve
from intone.prompt.spec import PromptSpec
from intone.prompt.talker_prompt import TalkerPrompt
from intone.runtime.free_memory import return_free_memory
from intone.runtime.job import SlotJob
from intone.runtime.rng import fresh_seed
from intone.voices.builtin_voice import BUILTIN_MODEL, builtin_directory

if TYPE_CHECKING:
    from intone.engine.loading import LoadedModel

WHOLE_TAKE_CHUNK_FRAMES = 24
"""Where nobody listens along: the codec is cheapest per frame in chunks of about this size."""


class SpeakOptions(TypedDict, total=False):
    """Keywords of `TTS.speak`, `stream` and `astream`; see `SpeechRequest` for their meaning."""

    voice: str | VoiceClonePrompt | None
    instruct: str | None
    language: str
    seed: int | None
    temperature: float | None
    top_k: int | None
    top_p: float | None
    repetition_penalty: float | None
    greedy: bool | None
    """Both networks, unless `predictor_sampling` says otherwise."""
    predictor_sampling: SamplingOverrides
    min_frames: int | None
    max_frames: int | None
    text_layout: TextLayout | None
    chunk_frames: int | None


class ChunkStream:
    """The chunks of one take, in order. Closing it early cancels the take within one frame."""

    def __init__(self, take: Take, chunks: SimpleQueue[AudioChunk | BaseException]) -> None:
        self._take = take
        self._chunks = chunks
        self._is_done = False

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> AudioChunk:
        if self._is_done:
            raise StopIteration
        item = self._chunks.get()
        if isinstance(item, BaseException):
            self._is_done = True
            raise item
        self._is_done = item.is_last
        return item

    def cancel(self) -> None:
        """Asks for the end; the last chunk then says "cancelled"."""
        self._take.cancel()

    def close(self) -> None:
        """Cancels unless the take is over; nothing more is yielded."""
        if not self._is_done:
            self._is_done = True
            self._take.cancel()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()


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
        memory_budget: int | str | None = None,
    ) -> None:
        """Remembers what to load.

        Args:
            model: alias ("0.6b-custom"), hub id or directory; None is the built-in voice. Nothing
                is ever downloaded here: pull first (`intone models pull`).
            device: auto, cpu, cuda or cuda:N.
            dtype: auto, fp32, bf16, fp16, int8 or int4, for talker and code predictor.
            threads: cores to use on a CPU; None takes all that this process may use.
            num_slots: takes that run at once; None: 8, or as many as the budget holds.
            num_positions: rows of prompt and frames that one take may fill; None: 4,096, or what
                the budget holds.
            memory_budget: the most that this process may keep resident while it speaks, in bytes
                or as "2GB"; kept, or refused when the model is to be loaded. On a CPU only.

        Raises:
            InvalidSettingError: a number outside its range, or no size.
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
        if self._model is None or self._model == BUILTIN_MODEL:
            return builtin_directory()
        return resolve(self._model, HubSettings.from_env(os.environ))

    def capabilities(self) -> Capabilities:
        """Returns what this checkpoint can be asked for."""
        config = self.load().description.config
        return Capabilities(
            model=str(self._model or BUILTIN_MODEL),
            kind=config.kind,
            size=config.size,
            voices=config.speakers,
            languages=config.languages,
        )

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

    def synthesize(self, request: SpeechRequest) -> Audio:
        """Returns the whole take of a request; raises as `speak` does."""
        chunk_frames = request.chunk_frames or WHOLE_TAKE_CHUNK_FRAMES
        with self._start_stream(request, (chunk_frames,)) as chunks:
            return join_chunks(chunks)

    def stream_request(self, request: SpeechRequest) -> ChunkStream:
        """Returns the chunks of a request; raises as `speak` does, before the first chunk."""
        return self._start_stream(request, _ramp(request))

    async def astream_request(self, request: SpeechRequest) -> AsyncIterator[AudioChunk]:
        """Yields the chunks of a request without blocking the event loop."""
        event_loop = asyncio.get_running_loop()
        queue: asyncio.Queue[AudioChunk | BaseException] = asyncio.Queue()

        def emit(item: AudioChunk | BaseException) -> None:
            if not event_loop.is_closed():
                event_loop.call_soon_threadsafe(queue.put_nowait, item)

        # Loading and prompt building may take seconds: not on the loop's thread.
        take = await asyncio.to_thread(self._start, request, _ramp(request), emit)
        try:
            while True:
                item = await queue.get()
                if isinstance(item, BaseException):
                    raise item
                yield item
                if item.is_last:
                    return
        finally:
            take.cancel()

    def _start_stream(self, request: SpeechRequest, ramp: tuple[int, ...]) -> ChunkStream:
        chunks: SimpleQueue[AudioChunk | BaseException] = SimpleQueue()
        return ChunkStream(self._start(request, ramp, chunks.put), chunks)

    def _start(self, request: SpeechRequest, ramp: tuple[int, ...], emit: Emit) -> Take:
        """Builds the prompt on the caller's thread and submits the take."""
        while True:
            loaded = self.load()
            prompt = loaded.prompts.build(_prompt_spec(request, loaded))
            take = Take(
                job=_job(request, prompt, loaded),
                max_frames=_max_frames(request, prompt, loaded),
                ramp=ramp,
                emit=emit,
            )
            try:
                loaded.engine.submit(take)
            except EngineStoppedError:
                if self._holds(loaded):
                    raise
                continue  # it was unloaded since; the request loads again, as any other would
            return take

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


def speech_request(text: str, options: SpeakOptions) -> SpeechRequest:
    """Returns the request that `TTS.speak(text, **options)` makes.

    Raises:
        InvalidSettingError: an unknown keyword, or a value outside its range.
        EmptyTextError: nothing to speak.
    """
    unknown = options.keys() - SpeakOptions.__annotations__.keys()
    if unknown:
        raise InvalidSettingError(
            f"unknown option {', '.join(sorted(unknown))}; known: "
            f"{', '.join(sorted(SpeakOptions.__annotations__))}."
        )
    return SpeechRequest(
        text=text,
        voice=options.get("voice"),
        instruct=options.get("instruct"),
        language=options.get("language", "auto"),
        seed=options.get("seed"),
        sampling=SamplingOverrides(
            temperature=options.get("temperature"),
            top_k=options.get("top_k"),
            top_p=options.get("top_p"),
            repetition_penalty=options.get("repetition_penalty"),
            greedy=options.get("greedy"),
        ),
        predictor_sampling=options.get(
            "predictor_sampling", SamplingOverrides(greedy=options.get("greedy"))
        ),
        min_frames=options.get("min_frames"),
        max_frames=options.get("max_frames"),
        text_layout=options.get("text_layout"),
        chunk_frames=options.get("chunk_frames"),
    )


def _ramp(request: SpeechRequest) -> tuple[int, ...]:
    return CHUNK_RAMP_FRAMES if request.chunk_frames is None else (request.chunk_frames,)


def _prompt_spec(request: SpeechRequest, loaded: LoadedModel) -> PromptSpec:
    voice = request.voice
    cloned = voice if isinstance(voice, VoiceClonePrompt) else None
    speaker = voice if isinstance(voice, str) else None
    config = loaded.description.config
    if voice is None and config.kind == "custom":
        speaker = config.speakers[0]
    return PromptSpec(
        text=request.text,
        language=request.language,
        speaker=speaker,
        instruct=request.instruct,
        x_vector=cloned.x_vector if cloned else None,
        ref_codes=cloned.ref_codes if cloned else None,
        ref_text=cloned.ref_text if cloned else None,
        text_layout=request.text_layout,
    )


def _job(request: SpeechRequest, prompt: TalkerPrompt, loaded: LoadedModel) -> SlotJob:
    defaults = loaded.description.defaults
    predictor = request.predictor_sampling
    return SlotJob(
        prompt=prompt,
        sampling=request.sampling.over(defaults.sampling),
        predictor_sampling=predictor.over(defaults.predictor_sampling),
        seed=fresh_seed() if request.seed is None else request.seed,
        min_frames=max(MIN_FRAMES_BEFORE_EOS, request.min_frames or 0),
    )


def _max_frames(request: SpeechRequest, prompt: TalkerPrompt, loaded: LoadedModel) -> int:
    """Returns the frame budget; the checkpoint's default gives way to what a slot can hold.

    Raises:
        TextTooLongError: the text, or the frames asked for, do not fit.
    """
    room = loaded.plan.num_positions - prompt.num_rows
    needed = request.max_frames or 1
    if room < needed:
        raise TextTooLongError(
            f"the prompt takes {prompt.num_rows} positions and {needed} frames were asked for, "
            f"but a take holds {loaded.plan.num_positions} together; split the text, lower "
            "max_frames, or raise num_positions."
        )
    return request.max_frames or min(loaded.description.defaults.max_frames, room)
