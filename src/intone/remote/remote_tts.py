"""`RemoteTTS`: speaks with a server as `TTS` speaks with a model."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import replace
from time import perf_counter
from types import TracebackType
from typing import Self, Unpack

import httpx2

from intone.audio.reference import ReferenceSource
from intone.core.errors import EngineStoppedError, UnsupportedModeError
from intone.core.speak_options import SpeakOptions, speech_request
from intone.core.types import (
    Audio,
    AudioChunk,
    Capabilities,
    Samples,
    SpeechRequest,
    join_chunks,
)
from intone.remote.address import Address
from intone.remote.bodies import Addressee, Body, RemoteClip, body_of
from intone.remote.decoding import AnswerDecoder, EventDecoder, PcmDecoder
from intone.remote.dialects import Dialect, checked_dialect
from intone.remote.live import LiveDecoder, live_chunks, live_config
from intone.remote.problems import error_of_transport
from intone.remote.remote_stream import RemoteStream
from intone.remote.sending import (
    LoopClients,
    aopen_answer,
    get_json,
    open_answer,
    sync_client,
)
from intone.remote.server_facts import ServerFacts
from intone.remote.taking import IncomingTake
from intone.runtime.rng import fresh_seed

WHOLE_TAKE_CHUNK_FRAMES = 24
"""Where nobody listens along, as `TTS` does it: cheapest for the server's codec."""

_CLOSED = "this RemoteTTS is closed; make a new one to speak again."


class RemoteTTS:
    """Speaks with a server that has OpenAI's speech route; implements `Synthesizer`.

    Nothing is asked of the server until it is needed. Many threads and tasks may call at once; the
    server has the queue. What its API cannot carry is refused, never dropped.

    Intone's server tells how a take ended, with its frames. Of other servers' plain PCM only a
    clean end is known: then `finish_reason` is "stop", or "length" where `max_frames` were used
    up; `num_frames` is counted from the samples. A server of Intone speaks a text of more than
    some 20 s sentence by sentence, where `TTS` makes one take.

    A seed is drawn here where a request has none, so that a take repeats. OpenAI's own API has no
    seeds: its chunks carry `NO_SEED`, which no request may have.
    """

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None = None,
        model: str | None = None,
        dialect: str | None = None,
        timeout_s: float = 120.0,
        num_retries: int = 3,
    ) -> None:
        """Remembers whom to ask.

        Args:
            url: of the server, `http://127.0.0.1:8000`, with or without `/v1`.
            api_key: sent as `Authorization: Bearer`.
            model: as the server calls it; None is its default.
            dialect: intone, openai, vllm-omni or sglang-omni; None asks `GET /v1/models`.
            timeout_s: the longest time without a byte, the server's queue included.
            num_retries: how often a server that answers 429 or 503 is asked again, after the time
                that its `Retry-After` says, before anything was heard.

        Raises:
            InvalidSettingError: no address, no dialect, or a number outside its range.
        """
        self._address = Address.of(url, api_key, timeout_s=timeout_s, num_retries=num_retries)
        self._model = model
        self._given_dialect = checked_dialect(dialect)
        self._client = sync_client(self._address)
        self._loops = LoopClients(self._address)
        self._lock = threading.Lock()
        self._known: ServerFacts | None = None
        self._clips: dict[str, RemoteClip] = {}
        self._num_running = 0
        self._is_closed = False

    @property
    def url(self) -> str:
        """Of the server, without `/v1`."""
        return self._address.url

    def load(self) -> ServerFacts:
        """Asks who the server is, unless it is known; returns that.

        Raises:
            RemoteError: nobody answers, or the key is refused.
            EngineStoppedError: this RemoteTTS was closed.
        """
        with self._lock:
            if self._is_closed:
                raise EngineStoppedError(_CLOSED)
            if self._known is None:
                models = get_json(self._client, self._address, "/v1/models")
                self._known = ServerFacts.read(models, self._given_dialect)
            return self._known

    def capabilities(self) -> Capabilities:
        """Returns what the model can be asked for, as the server tells it now.

        `voices` holds presets and voices that are kept on the server. `can_clone` is False: no
        x-vectors are computed there for a caller; clips can be sent all the same (`clone`). Sizes
        that the server does not tell are 0.

        Raises:
            RemoteError: nobody answers.
            ModelNotFoundError: the server does not have the model.
        """
        facts = self.load()
        voices = get_json(self._client, self._address, "/v1/audio/voices")
        return facts.capabilities(self._model, voices)

    def clone(
        self,
        ref_audio: ReferenceSource,
        ref_text: str | None = None,
        *,
        x_vector_only: bool = False,
        append_silence: bool = True,
    ) -> str:
        """Returns a name for `speak(voice=...)`: every request that has it sends the clip along.

        The clip stays here, in memory, as long as this RemoteTTS; the server keeps nothing. For
        arguments see `TTS.clone`; a server always appends silence.

        Raises:
            ReferenceAudioError: it is no clip.
            UnsupportedModeError: the server takes no clips, or `append_silence` is False.
        """
        if not append_silence:
            raise UnsupportedModeError(
                "append_silence is False, which no server can be told; leave it out."
            )
        clip = RemoteClip.of(ref_audio, ref_text, x_vector_only=x_vector_only)
        if not self.load().dialect.has_clips:
            raise UnsupportedModeError(
                f"{self.url} takes no reference clips; name a voice of the server."
            )
        name = f"clip:{clip.digest}"
        with self._lock:
            self._clips[name] = clip
        return name

    def x_vector(self, samples: Samples) -> Samples:
        """Raises UnsupportedModeError: no server computes x-vectors for a caller."""
        raise UnsupportedModeError(
            "servers compute no x-vectors for a caller; ask a Base model on this machine: "
            "TTS('0.6b-base').x_vector(samples)."
        )

    def speak(self, text: str, **options: Unpack[SpeakOptions]) -> Audio:
        """Returns the whole take.

        Raises:
            RequestError: the subclass says what to change.
            RemoteError: nobody answers, the key is refused, the server failed or broke off.
            CapacityError: the server is full, and still was when it was asked again.
        """
        return self.synthesize(speech_request(text, options))

    def stream(self, text: str, **options: Unpack[SpeakOptions]) -> RemoteStream:
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
            watch: sees every chunk as it comes.
        """
        if request.chunk_frames is None and self.load().dialect.has_chunk_frames:
            request = replace(request, chunk_frames=WHOLE_TAKE_CHUNK_FRAMES)
        chunks = []
        with self.stream_request(request) as stream:
            for chunk in stream:
                if watch is not None:
                    watch(chunk)
                chunks.append(chunk)
        return join_chunks(chunks)

    def stream_request(self, request: SpeechRequest) -> RemoteStream:
        """Returns the chunks of a request; raises as `speak` does, before the first chunk.

        Closing the stream hangs up, and the take ends on the server.
        """
        body, take, dialect = self._prepared(request)
        self._begin()
        try:
            response = open_answer(self._client, self._address, body, is_sse=dialect.is_sse)
        except BaseException:
            self._end()
            raise
        return RemoteStream(
            response, take, self.url, on_close=self._end, must_end=lambda: self._is_closed
        )

    async def astream_request(self, request: SpeechRequest) -> AsyncIterator[AudioChunk]:
        """Yields the chunks of a request without blocking the event loop.

        Tasks of one event loop share connections while takes of that loop run.
        """
        body, take, dialect = await asyncio.to_thread(self._prepared, request)
        async with self._loops.client() as client:
            response = await aopen_answer(client, self._address, body, is_sse=dialect.is_sse)
            try:
                async for data in response.aiter_bytes():
                    if self._is_closed:
                        yield take.cancelled()
                        return
                    chunk = take.feed(data)
                    if chunk is not None:
                        yield chunk
                yield take.finish()
            except httpx2.TransportError as error:
                raise error_of_transport(error, self.url, take.heard_s) from error
            finally:
                await response.aclose()

    async def astream_live(
        self, request: SpeechRequest, pieces: AsyncIterator[str]
    ) -> AsyncIterator[AudioChunk]:
        """Yields the chunks of a take whose text arrives while it is spoken.

        Over the WebSocket of a server of Intone, which takes a text to be over when nothing of it
        came for `live.starved_s`; that is an error here.

        Args:
            request: its text is the first piece.
            pieces: more text, white space and all; what they raise, this raises.

        Raises:
            UnsupportedModeError: another server, or a voice that is a clip.
            MissingDependencyError: websockets is not installed (`intone[server]`).
        """
        facts = await asyncio.to_thread(self.load)
        if facts.dialect.name != "intone":
            raise UnsupportedModeError(
                f"live text is spoken by Intone's server alone, and {self.url} is "
                f"{facts.dialect.name}; wait for the whole text, or speak it on this machine (TTS)."
            )
        decoder = LiveDecoder()
        body, take, _ = self._prepared(request, decoder)
        config = live_config(body)
        chunks = live_chunks(self._address, config, request.text, pieces, take, decoder)
        async with aclosing(chunks):
            async for chunk in chunks:
                yield chunk

    def check(self, request: SpeechRequest) -> None:
        """Raises what can be known of a request before it is sent."""
        self._prepared(request)

    def _prepared(
        self, request: SpeechRequest, decoder: AnswerDecoder | None = None
    ) -> tuple[Body, IncomingTake, Dialect]:
        facts = self.load()
        dialect = facts.dialect
        if request.seed is None and dialect.has_seed:
            request = replace(request, seed=fresh_seed())
        to = Addressee(dialect=dialect, model=self._model, kind=facts.kind(self._model))
        with self._lock:
            clip = self._clips.get(request.voice) if isinstance(request.voice, str) else None
        body = body_of(request, to, clip)
        if decoder is None:
            decoder = EventDecoder() if dialect.is_sse else PcmDecoder()
        return body, IncomingTake(request, dialect, decoder, perf_counter), dialect

    def _begin(self) -> None:
        with self._lock:
            if self._is_closed:
                raise EngineStoppedError(_CLOSED)
            self._num_running += 1

    def _end(self) -> None:
        with self._lock:
            self._num_running -= 1
            is_last = self._is_closed and not self._num_running
        if is_last:
            self._client.close()

    def close(self) -> None:
        """Begins nothing more; running takes end as cancelled with the next bytes that come.

        A second call does nothing.
        """
        with self._lock:
            self._is_closed = True
            is_idle = not self._num_running
        if is_idle:
            self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
