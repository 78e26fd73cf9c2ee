"""One text being spoken: drawn by a task of its own, heard by one page, followed by another.

A listener who is slow holds nobody up: the sound is kept whole until the end anyway, and a text has
a limit. A listener who leaves ends it, and so does `stop`: the take is left within a frame, and
nothing of it is kept.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing, suppress
from dataclasses import replace

import numpy as np

from intone.audio.pcm import to_pcm16
from intone.audio.stream_seams import StreamSeams
from intone.core.constants import SAMPLE_RATE_HZ
from intone.core.errors import EngineStoppedError, IntoneError
from intone.core.types import AudioChunk, Samples, SpeechRequest, join_chunks
from intone.studio.desk import Desk, SpeakingModel
from intone.studio.sound.keeping import DrawnTake, keep_speech
from intone.studio.sound.plan import MakePlan, PlannedTake, SoundPlan
from intone.studio.sound.state import KeptSpeech, SoundState

Clock = Callable[[], float]
"""Seconds that never go back."""

_LOG = logging.getLogger("intone.studio")
_TICK_S = 0.2

_BROKEN = "something broke inside Intone while this was spoken; its log says what. Try it again."


class Performance:
    """One text being spoken, or that was."""

    def __init__(self, desk: Desk, key_id: str, clock: Clock) -> None:
        self._desk = desk
        self._key_id = key_id
        self._clock = clock
        self._state = SoundState(phase="planning")
        self._changed = asyncio.Event()
        self._parts: list[bytes] = []
        self._whole: list[Samples] = []
        self._num_samples = 0
        self._phase_began_s = clock()
        self._task: asyncio.Task[None] | None = None

    @property
    def state(self) -> SoundState:
        """How it stands now, times included."""
        now_s = self._clock() - self._phase_began_s
        if self._state.phase in ("planning", "waiting"):
            return replace(self._state, waited_s=now_s)
        if self._state.phase == "speaking":
            return replace(self._state, spoken_s=now_s)
        return self._state

    def begin(self, fields: Mapping[str, object], make_plan: MakePlan) -> None:
        """Starts the task that plans, draws and keeps."""
        self._task = asyncio.create_task(self._run(fields, make_plan))

    def refuse(self, error: IntoneError) -> None:
        """Makes it one that failed before it began."""
        self._become(replace(self._state, phase="failed", error=error))

    async def stop(self) -> None:
        """Ends it within a frame and waits until its model is free; all sound made, it is kept."""
        if self._task is not None:
            if self._state.phase != "keeping":
                self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            if not self._state.is_over:  # it was cancelled before its first step
                self._become(replace(self._state, phase="stopped"))
        self._parts.clear()  # nobody hears them any more

    async def states(self) -> AsyncIterator[SoundState]:
        """Yields how it stands, whenever that changes and now and then; the last one is over."""
        while True:
            changed, state = self._changed, self.state
            yield state
            if state.is_over:
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(_TICK_S):
                    await changed.wait()

    async def sound(self) -> AsyncIterator[bytes]:
        """Yields 16-bit little-endian samples at 24 kHz as they are made, and ends with them.

        A performance that does not stream yields everything at its end.
        """
        num_heard = 0
        while True:
            changed, state = self._changed, self._state
            if state.streams or state.phase in ("keeping", "done"):
                while num_heard < len(self._parts):
                    part, self._parts[num_heard] = self._parts[num_heard], b""  # heard: let go
                    num_heard += 1
                    yield part
            if state.is_over or state.phase == "keeping":
                return
            await changed.wait()

    async def _run(self, fields: Mapping[str, object], make_plan: MakePlan) -> None:
        try:
            plan = await asyncio.to_thread(make_plan, fields)
            drawn = await self._speak(plan)
            self._become(replace(self._state, phase="keeping"))
            kept = await asyncio.to_thread(self._keep, plan, drawn)
            self._become(replace(self._state, phase="done", kept=kept))
        except asyncio.CancelledError:
            self._become(replace(self.state, phase="stopped"))
            raise
        except IntoneError as error:
            self._become(replace(self.state, phase="failed", error=error))
        except BaseException:  # a defect of ours; whoever waits for the task drops its error
            _LOG.exception("a text was not spoken")
            self._become(replace(self.state, phase="failed", error=EngineStoppedError(_BROKEN)))
            raise
        finally:
            self._whole.clear()

    async def _speak(self, plan: SoundPlan) -> list[DrawnTake]:
        self._become(
            SoundState(
                phase="waiting",
                model=plan.model,
                streams=plan.streams,
                expected_s=plan.expected_s,
                num_takes=len(plan.takes),
                seed=plan.seed,
                remarks=plan.remarks,
            )
        )
        drawn: list[DrawnTake] = []
        seams = StreamSeams(SAMPLE_RATE_HZ) if len(plan.takes) > 1 else None
        async with self._desk.models.lease(self._key_id, plan.model) as model:
            self._become(replace(self.state, phase="speaking"))
            self._put(_silence(plan.lead_silence_s))
            for take in plan.takes:
                drawn.append(await self._draw(model, take, seams))
                if seams is not None and take is not plan.takes[-1]:
                    self._put(seams.next_take(take.gap_after_s))
            if seams is not None:
                self._put(seams.finish())
            self._put(_silence(plan.end_silence_s))
            self._state = self.state  # the time it took stays
        return drawn

    async def _draw(
        self, model: SpeakingModel, take: PlannedTake, seams: StreamSeams | None
    ) -> DrawnTake:
        chunks: list[AudioChunk] = []
        start_s = self._num_samples / SAMPLE_RATE_HZ
        async with aclosing(_chunks(model, take.request)) as coming:
            async for chunk in coming:
                chunks.append(chunk)
                self._count(chunk)
                self._put(chunk.samples if seams is None else seams.feed(chunk.samples))
        end_s = self._num_samples / SAMPLE_RATE_HZ
        return DrawnTake(take, join_chunks(chunks), start_s, end_s)

    def _count(self, chunk: AudioChunk) -> None:
        state = self._state
        ttfa_s = chunk.timing.ttfa_s if state.ttfa_s is None else state.ttfa_s
        self._state = replace(
            state,
            ttfa_s=ttfa_s,
            num_frames=state.num_frames + chunk.num_frames,
            finish_reason=chunk.finish_reason,
            remarks=(*state.remarks, *_remarks(chunk)),
        )

    def _put(self, samples: Samples) -> None:
        if not len(samples):
            return
        self._parts.append(to_pcm16(samples).tobytes())
        self._whole.append(samples)
        self._num_samples += len(samples)
        self._become(replace(self._state, audio_s=self._num_samples / SAMPLE_RATE_HZ))

    def _become(self, state: SoundState) -> None:
        if state.phase != self._state.phase:
            self._phase_began_s = self._clock()
        self._state = state
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def _keep(self, plan: SoundPlan, drawn: list[DrawnTake]) -> KeptSpeech:
        models = self._desk.models
        return keep_speech(
            self._desk.takes(self._key_id),
            plan,
            drawn,
            np.concatenate(self._whole),
            models.record(plan.model),
            self._desk.library,
        )


async def _chunks(model: SpeakingModel, request: SpeechRequest) -> AsyncGenerator[AudioChunk, None]:
    """Yields the chunks of a take; closing this ends the take at once.

    Left to the garbage collector, an iterator that was not read to its end would go on for a while.
    """
    chunks = model.astream_request(request)
    try:
        async for chunk in chunks:
            yield chunk
    finally:
        if isinstance(chunks, AsyncGenerator):
            await chunks.aclose()


def _silence(duration_s: float) -> Samples:
    return np.zeros(round(duration_s * SAMPLE_RATE_HZ), np.float32)


def _remarks(chunk: AudioChunk) -> list[str]:
    """Returns what was remarkable about a take, once it is over."""
    if chunk.finish_reason == "guard":
        return ["the take missed its end and was cut there; another seed may do better."]
    if chunk.finish_reason == "length":
        return ["the take reached the model's longest, and was cut there; give it less text."]
    if chunk.is_last and chunk.num_draws > 1:
        return [f"a take missed its end and was drawn again, {chunk.num_draws} draws in all."]
    return []
