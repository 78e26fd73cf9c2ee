"""One text that is spoken as it comes: in a place and on a model that it holds meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

from intone.core.constants import SAMPLE_RATE_HZ
from intone.core.types import FinishReason, SpeechRequest
from intone.server.live.inputs import TextInputs
from intone.server.live.outbox import Outbox, Seat
from intone.server.live.speaking import (
    SegmentBegun,
    SegmentDone,
    Sound,
    Spoken,
    Waits,
    speak_sentences,
    speak_tokens,
)
from intone.server.request_ids import RequestRecord
from intone.server.services import Services
from intone.text.spoken import Spelling

MAX_UNSENT_S = 30.0
"""Sound that waits for a slow listener: 3 MB. One take of a sentence may come on top."""


class Listener(Protocol):
    """Whom a text is spoken to; may wait, and nothing piles up meanwhile."""

    async def start(self, seed: int) -> None:
        """A place and a model are there: sound will follow."""
        ...

    async def hear(self, item: Spoken) -> None:
        """Passes the next thing on."""
        ...

    async def finish(self) -> None:
        """Passes on what an encoder still holds; nothing follows."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What one text is spoken with."""

    model: str
    template: SpeechRequest
    """Every take is made from it; its text is unused and its seed is chosen."""
    is_by_token: bool
    spelling: Spelling
    """Whether figures are written out, which takes whole sentences."""
    max_delay_s: float
    route: str
    """Under which it is counted."""


@dataclass(slots=True)
class Figures:
    """How a text went so far."""

    finish_reason: FinishReason = "stop"
    """Of the whole: the first that was not "stop"."""
    num_segments: int = 0
    num_samples: int = 0

    @property
    def duration_s(self) -> float:
        return self.num_samples / SAMPLE_RATE_HZ


class Utterance:
    """Speaks one text as it comes. `run` is a task; cancelling it stops the take at once."""

    def __init__(
        self,
        services: Services,
        plan: Plan,
        listener: Listener,
        record: RequestRecord,
        key_id: str,
    ) -> None:
        self.inputs = TextInputs(max_characters=services.settings.limits.text_characters)
        self.plan = plan
        self.figures = Figures()
        self._services = services
        self._listener = listener
        self._record = record
        self._key_id = key_id
        self._began_s = services.clock()
        self._sent_s: float | None = None
        """When sound last left."""
        self._is_running = False
        """A take is under way."""
        self._has_started = False
        """The listener knows that sound follows."""
        self._outbox = Outbox(round(MAX_UNSENT_S * SAMPLE_RATE_HZ))

    async def run(self) -> None:
        """Speaks the text to its end; raises an IntoneError, or what the listener raises."""
        sending, speaking = asyncio.create_task(self._send()), asyncio.create_task(self._speak())
        tasks = (sending, speaking)
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            for task in tasks:
                if task.done():
                    task.result()
        finally:
            if not speaking.done():  # whoever listened is gone, or wants no more
                self._cut()
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            for task in tasks:
                if not task.cancelled():
                    task.exception()  # the first one was raised; of the other nobody need know

    async def _speak(self) -> None:
        """Has the text spoken into the outbox, which waits where the listener does."""
        name, outbox = self.plan.model, self._outbox
        seat = Seat(self._services, outbox, key_id=self._key_id, model=name)
        try:
            async with aclosing(self._spoken(seat)) as spoken:
                async for item in spoken:
                    self._count(item)
                    await outbox.put(item)
                    if self.plan.is_by_token:  # one take may last as long as the text
                        await outbox.room()
        finally:
            await seat.leave()
        await outbox.close()

    async def _send(self) -> None:
        """Passes on what was spoken, as quickly as the listener takes it."""
        assert self.plan.template.seed is not None
        while (item := await self._outbox.get()) is not None:
            if not self._has_started:
                self._has_started = True
                await self._listener.start(self.plan.template.seed)
            await self._listener.hear(item)
        if self._has_started:
            await self._listener.finish()

    def _spoken(self, seat: Seat) -> AsyncGenerator[Spoken, None]:
        waits = Waits(
            starved_s=self._services.settings.live.starved_s, max_delay_s=self.plan.max_delay_s
        )
        plan, inputs = self.plan, self.inputs
        if plan.is_by_token:
            return speak_tokens(seat.model, plan.template, inputs, waits)
        return speak_sentences(seat.model, plan.template, inputs, waits, plan.spelling)

    def _count(self, item: Spoken) -> None:
        match item:
            case SegmentBegun():
                self._is_running = True
                self.figures.num_segments += 1
            case Sound(samples):
                self._count_sound(len(samples))
            case SegmentDone():
                self._count_take(item)

    def _count_sound(self, num_samples: int) -> None:
        now_s, metrics = self._services.clock(), self._services.metrics
        if self._sent_s is None:
            metrics.first_audio(self.plan.route, now_s - self._began_s)
        else:
            metrics.chunk_gap(self.plan.route, now_s - self._sent_s)
        self._sent_s = now_s
        self.figures.num_samples += num_samples
        self._record.audio_s = (self._record.audio_s or 0.0) + num_samples / SAMPLE_RATE_HZ

    def _count_take(self, done: SegmentDone) -> None:
        self._is_running = False
        self._services.metrics.take_done(
            self.plan.route,
            done.finish_reason,
            audio_s=done.duration_s,
            wall_s=done.wall_s,
            num_draws=done.num_draws,
        )
        if self.figures.finish_reason == "stop":
            self.figures.finish_reason = done.finish_reason
        self._record.finish_reason = self.figures.finish_reason

    def _cut(self) -> None:
        """Counts a text whose reader left or cancelled."""
        self.figures.finish_reason = self._record.finish_reason = "cancelled"
        if self._is_running:
            self._services.metrics.take_done(self.plan.route, "cancelled", audio_s=0.0, wall_s=0.0)
