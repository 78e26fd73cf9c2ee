"""One text of a live session: who speaks it, in a place and on a model that it holds meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from intone.audio.stream_encoders import SoundEncoder, stream_encoder
from intone.core.constants import SAMPLE_RATE_HZ
from intone.core.types import Capabilities, FinishReason, SpeechRequest
from intone.server.live.channel import Channel
from intone.server.live.events import ServerEvent, SessionConfig, error_event
from intone.server.live.inputs import TextInputs, TextTimeoutError
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
from intone.server.speech.choosing import KIND_OF_TASK, chosen_model, chosen_voice
from intone.server.speech.plan import sampled

ROUTE = "/v1/audio/speech/stream"

_TO_COME = "to come"
"""Stands in for the text of a template; every take has a text of its own."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What a session asks for, checked against the models and voices of this machine."""

    config: SessionConfig
    can: Capabilities
    voice: str | None

    def template(self, services: Services) -> SpeechRequest:
        """Returns the request that every take of one text is made from; its seed is chosen."""
        settings = services.settings.speech
        manner = self.config.instructions
        if not manner and self.can.follows_instruct:
            manner = settings.instruct
        return sampled(
            self.config, settings, text=_TO_COME, voice=self.voice, instruct=manner or None
        )


def set_up(config: SessionConfig, services: Services) -> Setup:
    """Returns what a session speaks with; reads files. Raises an IntoneError."""
    settings = services.settings.speech
    kind = None if config.task_type is None else KIND_OF_TASK[config.task_type]
    can = chosen_model(services.source, settings, name=config.model, kind=kind)
    voice = chosen_voice(config.voice, can, services.library.names(), settings)
    stream_encoder(config.format, SAMPLE_RATE_HZ).finish()  # a missing package is told now
    return Setup(config, can, voice)


class Utterance:
    """Speaks one text as it comes. `run` is a task; cancelling it stops the take at once."""

    def __init__(
        self,
        services: Services,
        setup: Setup,
        channel: Channel,
        record: RequestRecord,
        key_id: str,
    ) -> None:
        self.inputs = TextInputs(max_characters=services.settings.limits.text_characters)
        self._services = services
        self._setup = setup
        self._channel = channel
        self._record = record
        self._key_id = key_id
        self._began_s = services.clock()
        self._sent_s: float | None = None
        """When sound last left."""
        self._running: int | None = None
        """The segment under way."""
        self._num_segments = 0
        self._num_samples = 0
        self._finish: FinishReason = "stop"
        self._template = setup.template(services)

    async def run(self) -> None:
        """Speaks the text to its end and says so.

        Raises:
            IntoneError: it could not be spoken, or not to its end.
        """
        try:
            await self._speak()
        except asyncio.CancelledError:
            self._cut()
            raise
        if self.inputs.has_timed_out:
            waited_s = self._services.settings.live.starved_s
            await self._channel.send_event(error_event(TextTimeoutError(waited_s)))
        await self._channel.send_event(self.done())

    def done(self) -> ServerEvent:
        """Returns the last event of this text."""
        return {
            "type": "audio.done",
            "finish_reason": self._finish,
            "seed": self._template.seed,
            "duration_s": round(self._num_samples / SAMPLE_RATE_HZ, 3),
            "segments": self._num_segments,
            "characters": self.inputs.num_characters,
        }

    async def _speak(self) -> None:
        admission, pool = self._services.admission, self._services.pool
        encoder = stream_encoder(self._setup.config.format, SAMPLE_RATE_HZ)
        async with admission.admit(self._key_id), pool.lease(self._setup.can.model) as model:
            await self._channel.send_event(self._start())
            async with aclosing(self._spoken(model)) as spoken:
                async for item in spoken:
                    await self._pass_on(item, encoder)
        await self._send(encoder.finish())

    def _spoken(self, model: ServedModel) -> AsyncGenerator[Spoken, None]:
        waits = Waits(
            starved_s=self._services.settings.live.starved_s,
            max_delay_s=self._setup.config.max_delay_s,
        )
        speak = speak_tokens if self._setup.config.mode == "token" else speak_sentences
        return speak(model, self._template, self.inputs, waits)

    def _start(self) -> ServerEvent:
        config = self._setup.config
        return {
            "type": "audio.start",
            "format": config.format,
            "sample_rate_hz": SAMPLE_RATE_HZ,
            "channels": 1,
            "seed": self._template.seed,
        }

    async def _pass_on(self, item: Spoken, encoder: SoundEncoder) -> None:
        match item:
            case SegmentBegun(index, text):
                self._running, self._num_segments = index, index + 1
                await self._channel.send_event(
                    {"type": "segment.start", "index": index, "text": text}
                )
            case Sound(samples):
                self._count_sound(len(samples))
                await self._send(encoder.feed(samples))
            case SegmentDone():
                self._count_take(item)
                await self._channel.send_event(
                    {
                        "type": "segment.done",
                        "index": item.index,
                        "finish_reason": item.finish_reason,
                        "seed": item.seed,
                        "duration_s": round(item.duration_s, 3),
                    }
                )

    async def _send(self, data: bytes) -> None:
        if data:
            as_event = self._setup.config.audio == "base64"
            await self._channel.send_sound(data, as_event=as_event)

    def _count_sound(self, num_samples: int) -> None:
        now_s = self._services.clock()
        if self._sent_s is None:
            self._services.metrics.first_audio(ROUTE, now_s - self._began_s)
        else:
            self._services.metrics.chunk_gap(ROUTE, now_s - self._sent_s)
        self._sent_s = now_s
        self._num_samples += num_samples
        self._record.audio_s = (self._record.audio_s or 0.0) + num_samples / SAMPLE_RATE_HZ

    def _count_take(self, done: SegmentDone) -> None:
        self._running = None
        self._services.metrics.take_done(
            ROUTE,
            done.finish_reason,
            audio_s=done.duration_s,
            wall_s=done.wall_s,
            num_draws=done.num_draws,
        )
        if self._finish == "stop":
            self._finish = done.finish_reason
        self._record.finish_reason = self._finish

    def _cut(self) -> None:
        """Counts a text whose reader left or cancelled."""
        self._finish = self._record.finish_reason = "cancelled"
        if self._running is not None:
            self._services.metrics.take_done(ROUTE, "cancelled", audio_s=0.0, wall_s=0.0)
