"""A model for code that runs in a thread: each take goes through admission and pool by itself.

Scripts, books and designs draw take after take, synchronously, for a long time. Between two takes
they hold nothing: live requests come first, and the model may be evicted and loaded again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from threading import Lock
from time import perf_counter
from typing import TypeVar

from intone.core.errors import EngineStoppedError, UnsupportedModeError
from intone.core.types import (
    Audio,
    AudioChunk,
    Capabilities,
    Samples,
    SpeechRequest,
    VoiceClonePrompt,
    join_chunks,
)
from intone.server.admission import Admission
from intone.server.models import ServedModel
from intone.server.pool import ModelPool
from intone.server.speech.outcome import TakeFigures
from intone.server.speech.speaking import listening

Turn = Callable[[], AbstractAsyncContextManager[ServedModel]]
"""Waits for a place and a model; both are held while the context lasts."""

Result = TypeVar("Result")

_STOPPED = "this work was stopped; ask again to begin anew."


class WorkStoppedError(EngineStoppedError):
    """Whoever wanted this work wants it no more."""


class BackgroundModel:
    """A `Synthesizer` for one worker thread, in front of a model that the event loop leases."""

    def __init__(
        self,
        event_loop: asyncio.AbstractEventLoop,
        can: Capabilities,
        turn: Turn,
        figures: Callable[[], TakeFigures] | None = None,
    ) -> None:
        """Leases nothing yet.

        Args:
            event_loop: that admission and pool run on.
            can: what the model can be asked for.
            turn: taken for every take.
            figures: made for every take, and told about it; None counts nothing.
        """
        self._figures = figures
        self._event_loop = event_loop
        self._can = can
        self._turn = turn
        self._lock = Lock()
        self._current: Future[object] | None = None
        self._is_stopped = False

    def capabilities(self) -> Capabilities:
        """Returns what the model can be asked for; nothing is loaded."""
        return self._can

    def synthesize(self, request: SpeechRequest) -> Audio:
        """Returns the whole take; raises WorkStoppedError as soon as `stop` is called."""
        return self._on_loop(self._draw(request))

    def stream_request(self, request: SpeechRequest) -> Iterator[AudioChunk]:
        """Yields the chunks of a take when all of them are made."""
        yield from self._on_loop(self._chunks(request))

    async def astream_request(self, request: SpeechRequest) -> AsyncIterator[AudioChunk]:
        """Yields the chunks of a take when all of them are made."""
        for chunk in await self._chunks(request):
            yield chunk

    def astream_live(
        self, request: SpeechRequest, pieces: AsyncIterator[str]
    ) -> AsyncIterator[AudioChunk]:
        """Refuses: nobody listens to this work while it is done."""
        raise UnsupportedModeError("work in the background takes its text whole; send it at once.")

    def x_vector(self, samples: Samples) -> Samples:
        """Returns who speaks in samples [S] at 24 kHz, [H]; raises as `Synthesizer`."""
        return self._on_loop(self._hear(samples))

    def clone(
        self,
        ref_audio: tuple[Samples, int] | bytes,
        ref_text: str | None = None,
        *,
        x_vector_only: bool = False,
        append_silence: bool = True,
    ) -> VoiceClonePrompt:
        """Returns the voice of a clip; raises as `ServedModel`."""

        async def encode() -> VoiceClonePrompt:
            async with self._turn() as model:
                return await asyncio.to_thread(
                    model.clone,
                    ref_audio,
                    ref_text,
                    x_vector_only=x_vector_only,
                    append_silence=append_silence,
                )

        return self._on_loop(encode())

    def close(self) -> None:
        """Stops this work; the model is the pool's and stays."""
        self.stop()

    def stop(self) -> None:
        """Ends what runs now, a take within a frame, and refuses what comes; from any thread."""
        with self._lock:
            self._is_stopped = True
            current = self._current
        if current is not None:
            current.cancel()

    def check(self) -> None:
        """Raises WorkStoppedError once this work was stopped."""
        with self._lock:
            if self._is_stopped:
                raise WorkStoppedError(_STOPPED)

    async def _draw(self, request: SpeechRequest) -> Audio:
        return join_chunks(await self._chunks(request))

    async def _chunks(self, request: SpeechRequest) -> list[AudioChunk]:
        async with self._turn() as model:
            figures, begun_s = self._figures and self._figures(), perf_counter()
            made: list[AudioChunk] = []
            try:
                async with listening(model, request) as chunks:
                    async for chunk in chunks:
                        made.append(chunk)
                        if figures is not None:
                            figures.chunk(chunk, perf_counter() - begun_s)
            finally:
                if figures is not None:
                    figures.over()
            return made

    async def _hear(self, samples: Samples) -> Samples:
        async with self._turn() as model:
            return await asyncio.to_thread(model.x_vector, samples)

    def _on_loop(self, work: Coroutine[object, object, Result]) -> Result:
        with self._lock:
            if self._is_stopped:
                work.close()
                raise WorkStoppedError(_STOPPED)
            running = asyncio.run_coroutine_threadsafe(work, self._event_loop)
            self._current = running  # type: ignore[assignment]  # a future is no covariant type
        try:
            return running.result()
        except CancelledError as error:
            raise WorkStoppedError(_STOPPED) from error
        finally:
            with self._lock:
                self._current = None


def background_turn(
    admission: Admission, pool: ModelPool, *, key_id: str, model: str, is_background: bool = True
) -> Turn:
    """Returns what holds a place and a model for one take of a key's work.

    Args:
        is_background: nobody waits for it on a connection: it comes after those who do.
    """

    @asynccontextmanager
    async def turn() -> AsyncIterator[ServedModel]:
        async with (
            admission.admit(key_id, is_background=is_background),
            pool.lease(model) as leased,
        ):
            yield leased

    return turn
