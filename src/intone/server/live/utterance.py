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
from intone.server.live.speaking import (
    SegmentBegun,
    SegmentDone,
    Sound,
    Spoken,
    Waits,
    speak_sentences,
    speak_tokens,
)
from intone.server.models import ServedModel
from intone.server.request_ids import RequestRecord
from intone.server.services import Services
from intone.text.spoken import Spelling


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

    async def run(self) -> None:
        """Speaks the text to its end; raises an IntoneError, or what the listener raises."""
        admission, pool = self._services.admission, self._services.pool
        try:
            async with admission.admit(self._key_id), pool.lease(self.plan.model) as model:
                await self._speak(model)
        except asyncio.CancelledError:
            self._cut()
            raise
        await self._listener.finish()

    async def _speak(self, model: ServedModel) -> None:
        assert self.plan.template.seed is not None
        await self._listener.start(self.plan.template.seed)
        async with aclosing(self._spoken(model)) as spoken:
            async for item in spoken:
                self._count(item)
                await self._listener.hear(item)

    def _spoken(self, model: ServedModel) -> AsyncGenerator[Spoken, None]:
        waits = Waits(
            starved_s=self._services.settings.live.starved_s, max_delay_s=self.plan.max_delay_s
        )
        plan, inputs = self.plan, self.inputs
        if plan.is_by_token:
            return speak_tokens(model, plan.template, inputs, waits)
        return speak_sentences(model, plan.template, inputs, waits, plan.spelling)

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
