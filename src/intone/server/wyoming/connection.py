"""One Wyoming client: describe, synthesize, and text in pieces; one text is spoken at a time."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event, Eventable, async_write_event
from wyoming.info import Describe
from wyoming.ping import Ping, Pong
from wyoming.tts import (
    Synthesize,
    SynthesizeChunk,
    SynthesizeStart,
    SynthesizeStop,
    SynthesizeStopped,
    SynthesizeTextFormat,
    SynthesizeVoice,
)

from intone.audio.pcm import to_pcm16
from intone.core.constants import SAMPLE_RATE_HZ
from intone.core.errors import EmptyTextError, IntoneError, UnsupportedModeError
from intone.server.errors import INVALID_REQUEST, ApiError, api_error, internal_error
from intone.server.live.speaking import Sound, Spoken
from intone.server.live.utterance import Utterance
from intone.server.request_ids import RequestRecord, request_id_of
from intone.server.services import Services
from intone.server.wyoming.reading import read_event
from intone.server.wyoming.voices import info, plan_of

_LOG = logging.getLogger("intone.server")
_KEY_ID = "wyoming"
_WIDTH_BYTES = 2
_CHANNELS = 1

Send = Callable[[Eventable], Awaitable[None]]
"""Sends one event."""


class Connection:
    """Serves one client; `run` returns when it is gone, or was refused."""

    def __init__(
        self, services: Services, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._services = services
        self._reader = reader
        self._writer = writer
        self._utterance: Utterance | None = None
        self._speaking: asyncio.Task[None] | None = None
        self._is_stream = False
        """The text comes in pieces, and what is spoken is over with synthesize-stopped."""

    async def run(self) -> None:
        """Handles events until the client leaves; a text under way is stopped then."""
        try:
            await self._serve()
        except IntoneError as error:
            await self._send_error(error)
        except (ConnectionError, TimeoutError):
            return  # it is gone, or takes nothing
        finally:
            await self._stop()

    async def _serve(self) -> None:
        """Reads while it speaks, so that it notices at once when the client leaves."""
        reading: asyncio.Task[Event | None] | None = None
        limit_bytes = self._services.settings.limits.websocket_message
        try:
            while True:
                reading = reading or asyncio.create_task(read_event(self._reader, limit_bytes))
                waited_for = {reading} if self._speaking is None else {reading, self._speaking}
                await asyncio.wait(waited_for, return_when=asyncio.FIRST_COMPLETED)
                if self._speaking is not None and self._speaking.done():
                    await self._spoken()
                elif reading.done():
                    event, reading = reading.result(), None
                    if event is None:
                        return
                    await self._on(event)
        finally:
            if reading is not None:
                reading.cancel()

    async def _on(self, event: Event) -> None:
        if not isinstance(event.data.get("voice", {}), dict):  # wyoming would not look into it
            raise _incomplete(event)
        try:
            if Describe.is_type(event.type):
                await self._send(await asyncio.to_thread(info, self._services))
            elif Ping.is_type(event.type):
                await self._send(Pong(text=Ping.from_event(event).text))
            elif SynthesizeStart.is_type(event.type):
                start = SynthesizeStart.from_event(event)
                await self._begin(start.voice, start.text_format, is_stream=True)
            elif SynthesizeChunk.is_type(event.type):
                self._feed(SynthesizeChunk.from_event(event).text)
            elif SynthesizeStop.is_type(event.type):
                self._end()
            elif Synthesize.is_type(event.type):
                await self._say(Synthesize.from_event(event))
            # Servers drop events that they do not know, says the protocol.
        except (KeyError, TypeError, AttributeError) as error:  # of wyoming's from_event
            raise _incomplete(event) from error

    async def _say(self, event: Synthesize) -> None:
        """Speaks a whole text. During a stream it is the same text again, for older servers."""
        if self._utterance is not None and self._is_stream:
            return
        text = _checked(event.text)
        if not any(character.isalnum() for character in text):
            raise EmptyTextError("the text holds no word to speak; give at least one.")
        await self._begin(event.voice, event.text_format, is_stream=False)
        self._feed(text)
        self._end()

    async def _begin(
        self,
        voice: SynthesizeVoice | None,
        text_format: str | SynthesizeTextFormat | None,
        *,
        is_stream: bool,
    ) -> None:
        if self._utterance is not None:
            raise ApiError(
                400,
                INVALID_REQUEST,
                "busy_connection",
                "a text is being spoken on this connection; wait for its end, or open another.",
            )
        if text_format is not None and text_format != SynthesizeTextFormat.TEXT:
            raise UnsupportedModeError("text_format is not 'text'; send plain text.")
        if self._services.lifecycle.phase == "draining":
            raise ApiError(503, "server_error", "stopping", "the server stops; try again shortly.")
        plan = await asyncio.to_thread(plan_of, voice, self._services)
        record = RequestRecord(request_id_of(None), time.perf_counter(), _KEY_ID)
        listener = WyomingListener(self._send)
        self._utterance = Utterance(self._services, plan, listener, record, _KEY_ID)
        self._speaking = asyncio.create_task(self._utterance.run())
        self._services.lifecycle.num_in += 1
        self._is_stream = is_stream

    def _feed(self, text: str) -> None:
        if self._utterance is None:
            raise ApiError(
                400,
                INVALID_REQUEST,
                "no_stream",
                "synthesize-chunk came without synthesize-start; send that first.",
            )
        self._utterance.inputs.feed(_checked(text))

    def _end(self) -> None:
        if self._utterance is not None:
            self._utterance.inputs.end()

    async def _spoken(self) -> None:
        """Says that a text is over, or why it is not spoken; the connection stays."""
        speaking, is_stream = self._speaking, self._is_stream
        self._forget()
        assert speaking is not None
        error = speaking.exception()
        if isinstance(error, ConnectionError | TimeoutError):
            raise error
        if isinstance(error, IntoneError):
            await self._send_error(error)
        elif error is not None:
            _LOG.error("a text of Wyoming failed", exc_info=error)
            await self._send_error(internal_error())
        elif is_stream:
            await self._send(SynthesizeStopped())

    async def _stop(self) -> None:
        """Stops the text under way, and waits until its take is over."""
        speaking = self._speaking
        if speaking is not None:
            self._forget()
            speaking.cancel()
            await asyncio.wait({speaking})
            if not speaking.cancelled():
                speaking.exception()  # nobody is there to be told

    def _forget(self) -> None:
        self._speaking = self._utterance = None
        self._services.lifecycle.num_in -= 1

    async def _send_error(self, error: IntoneError) -> None:
        told = api_error(error)
        try:
            await self._send(Error(text=told.message, code=told.code))
        except (ConnectionError, TimeoutError):
            return

    async def _send(self, event: Eventable) -> None:
        """Sends one event; waits until the client takes it, but not for ever."""
        async with asyncio.timeout(self._services.settings.speech.slow_reader_s):
            await async_write_event(event.event(), self._writer)


class WyomingListener:
    """Implements `Listener`: audio-start, audio-chunk, audio-stop."""

    def __init__(self, send: Send) -> None:
        self._send = send

    async def start(self, seed: int) -> None:
        """Says how the samples come."""
        await self._send(AudioStart(rate=SAMPLE_RATE_HZ, width=_WIDTH_BYTES, channels=_CHANNELS))

    async def hear(self, item: Spoken) -> None:
        """Sends samples; the protocol knows no sentences."""
        if isinstance(item, Sound):
            await self._send(
                AudioChunk(
                    rate=SAMPLE_RATE_HZ,
                    width=_WIDTH_BYTES,
                    channels=_CHANNELS,
                    audio=to_pcm16(item.samples).tobytes(),
                )
            )

    async def finish(self) -> None:
        """Says that no sample follows."""
        await self._send(AudioStop())


def _checked(text: object) -> str:
    """Returns text as such; JSON may hold anything in its place, or halves of characters."""
    if not isinstance(text, str) or any("\ud800" <= one <= "\udfff" for one in text):
        raise ApiError(400, INVALID_REQUEST, "invalid_event", "text is no valid text.")
    return text


def _incomplete(event: Event) -> ApiError:
    return ApiError(
        400,
        INVALID_REQUEST,
        "invalid_event",
        f"the event {event.type[:64]!r} lacks a field, or one is of another kind.",
    )
