"""Speaks a plan into a buffer: place, model, voice, take after take, encoded as it is made."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

import numpy as np

from intone.audio.stream_encoders import SoundEncoder
from intone.audio.stream_seams import StreamSeams
from intone.core.constants import SAMPLE_RATE_HZ
from intone.core.errors import TextTooLongError
from intone.core.types import AudioChunk, Samples, SpeechRequest
from intone.server.models import ServedModel
from intone.server.services import Services
from intone.server.speech.buffer import ByteBuffer
from intone.server.speech.clones import Clip
from intone.server.speech.outcome import Outcome, TakeFigures
from intone.server.speech.plan import SpeechPlan

MAX_WHOLE_S = 1_800.0
"""Of an answer that is held until it is over."""


class Speaking:
    """One request being spoken. `run` is a task: cancelling it stops the take at once."""

    def __init__(
        self,
        services: Services,
        plan: SpeechPlan,
        *,
        key_id: str,
        route: str,
        encoder: SoundEncoder,
        buffer: ByteBuffer,
        clip: Clip | None = None,
    ) -> None:
        self.plan = plan
        self.outcome = Outcome()
        self._services = services
        self._key_id = key_id
        self._route = route
        self._encoder = encoder
        self._is_whole = buffer.is_endless
        self._buffer = buffer
        self._clip = clip
        # A text of one take is that take, untouched.
        self._seams = StreamSeams(SAMPLE_RATE_HZ) if len(plan.takes) > 1 else None
        self._started_s = services.clock()

    async def run(self) -> None:
        """Fills the buffer and ends it, with the error where there was one."""
        try:
            await self._speak()
        except asyncio.CancelledError:
            self.outcome.take_over("cancelled")
            raise
        except BaseException as error:
            self._buffer.end(error)
        else:
            self._buffer.end()
        finally:
            self._encoder.close()

    async def _speak(self) -> None:
        async with AsyncExitStack() as held:
            model = await self._enter(held)
            self._put_silence(self.plan.lead_silence_s)
            for index, take in enumerate(self.plan.takes):
                if self._buffer.is_full:  # its reader is slow: others get place and model
                    await held.aclose()
                    await self._buffer.room()
                    model = await self._enter(held, is_resumed=True)
                request = self._limited(take.request)
                if request is None:
                    self.outcome.take_over("length")
                    break
                await self._draw(model, await self._with_voice(request, model))
                if self._seams is not None and index + 1 < len(self.plan.takes):
                    self._put(self._seams.next_take(take.gap_after_s))
            if self._seams is not None:
                self._put(self._seams.finish())
            self._put_silence(self.plan.end_silence_s)
        if self._is_whole:  # many minutes may be encoded here; others go on meanwhile
            self._buffer.put(await asyncio.to_thread(self._encoder.finish))
        else:
            self._buffer.put(self._encoder.finish())

    async def _enter(self, held: AsyncExitStack, *, is_resumed: bool = False) -> ServedModel:
        admission, pool = self._services.admission, self._services.pool
        await held.enter_async_context(admission.admit(self._key_id, is_resumed=is_resumed))
        if self.outcome.queue_s is None:
            self.outcome.queue_s = self._elapsed_s()
        model = await held.enter_async_context(pool.lease(self.plan.model))
        if self.outcome.load_s is None:
            self.outcome.load_s = self._elapsed_s() - self.outcome.queue_s
        return model

    async def _with_voice(self, request: SpeechRequest, model: ServedModel) -> SpeechRequest:
        """Returns a request with the clip's voice, where there is a clip and no tag says else."""
        if self._clip is None or request.voice is not None:
            return request
        clones = self._services.clones
        return replace(request, voice=await clones.prompt(self.plan.model, model, self._clip))

    async def _draw(self, model: ServedModel, request: SpeechRequest) -> None:
        waited_s = None if self.outcome.ttfa_s is not None else self._elapsed_s()
        figures = TakeFigures(self._services.metrics, self._route, waited_s)
        begun_s = self._services.clock()
        try:
            async with listening(model, request) as chunks:
                async for chunk in chunks:
                    figures.chunk(chunk, self._services.clock() - begun_s)
                    self._take(chunk)
        finally:
            figures.over()

    def _take(self, chunk: AudioChunk) -> None:
        if self.outcome.ttfa_s is None:
            self.outcome.ttfa_s = self._elapsed_s()
        self.outcome.num_frames += chunk.num_frames
        if chunk.finish_reason is not None:
            self.outcome.take_over(chunk.finish_reason)
        seams = self._seams
        self._put(chunk.samples if seams is None else seams.feed(chunk.samples))

    def _put(self, samples: Samples) -> None:
        self.outcome.num_samples += len(samples)
        if self._is_whole and self.outcome.num_samples > MAX_WHOLE_S * SAMPLE_RATE_HZ:
            raise TextTooLongError(
                f"the answer is longer than {MAX_WHOLE_S / 60:g} min, which is too much to hold; "
                'ask for a stream ("stream": true), or make a job of it (POST /v1/audio/jobs).'
            )
        self._buffer.put(self._encoder.feed(samples))

    def _put_silence(self, duration_s: float) -> None:
        if duration_s > 0.0:
            self._put(np.zeros(round(duration_s * SAMPLE_RATE_HZ), np.float32))

    def _limited(self, request: SpeechRequest) -> SpeechRequest | None:
        """Returns a request within the frames that are left of the plan's; None: none are."""
        if self.plan.max_frames is None:
            return request
        left = self.plan.max_frames - self.outcome.num_frames
        return None if left < 1 else replace(request, max_frames=left)

    def _elapsed_s(self) -> float:
        return self._services.clock() - self._started_s


@asynccontextmanager
async def listening(
    model: ServedModel, request: SpeechRequest
) -> AsyncIterator[AsyncIterator[AudioChunk]]:
    """Gives the chunks of a take; leaving the context, however that happens, ends the take.

    Left to the garbage collector, an iterator that was not read to its end would go on for a while.
    """
    chunks = model.astream_request(request)
    try:
        yield chunks
    finally:
        if isinstance(chunks, AsyncGenerator):
            await chunks.aclose()
