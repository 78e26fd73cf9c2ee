"""The HTTP answer that carries a plan being spoken, and ends the work when its reader leaves.

Until the first byte of sound an error is an answer with its status; from then on it is an event
(SSE), or the connection is cut, so that half a sound does not look whole.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from intone.core.constants import SAMPLE_RATE_HZ
from intone.core.errors import IntoneError
from intone.server.errors import error_response
from intone.server.request_ids import record_in
from intone.server.speech.buffer import ByteBuffer
from intone.server.speech.events import delta_event, done_event, error_event
from intone.server.speech.speaking import Speaking

Transfer = Literal["audio", "sse", "whole"]
"""Bytes of sound as they are made; the same in events; or all at once, with its length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerForm:
    """How the sound travels."""

    transfer: Transfer
    media_type: str
    headers: Mapping[str, str]
    slow_reader_s: float
    """A reader that takes nothing for so long is left."""
    refuse: Callable[[IntoneError], Response] = error_response
    """What an error looks like that comes before the sound."""


class SlowReaderError(IntoneError):
    """The reader took nothing for too long; whatever it got is cut."""


class SpeechAnswer(Response):
    """Starts speaking when it is sent."""

    def __init__(self, speaking: Speaking, buffer: ByteBuffer, form: AnswerForm) -> None:
        super().__init__(media_type=None)
        self._speaking = speaking
        self._buffer = buffer
        self._form = form

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        record = record_in(scope)
        record.model = self._speaking.plan.model
        work = asyncio.create_task(self._speaking.run())
        sending = asyncio.create_task(self._send(scope, receive, send))
        leaving = asyncio.create_task(_left(receive))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                sending.result()
        finally:
            for task in (work, sending, leaving):
                task.cancel()
            await asyncio.gather(work, sending, leaving, return_exceptions=True)
            outcome = self._speaking.outcome
            record.finish_reason = outcome.finish_reason
            record.audio_s = outcome.num_samples / SAMPLE_RATE_HZ

    async def _send(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if self._form.transfer == "whole":
                await self._send_whole(send)
                return
            first = await self._buffer.next()
        except IntoneError as error:
            await self._form.refuse(error)(scope, receive, send)
            return
        await self._send_stream(first, send)

    async def _send_whole(self, send: Send) -> None:
        parts = []
        while (part := await self._buffer.next()) is not None:
            parts.append(part)
        sound, outcome = b"".join(parts), self._speaking.outcome
        late = {
            "content-length": str(len(sound)),
            "x-finish-reason": str(outcome.finish_reason),
            "x-audio-duration": f"{outcome.num_samples / SAMPLE_RATE_HZ:.3f}",
        }
        await send(self._start(late))
        await send({"type": "http.response.body", "body": sound})

    async def _send_stream(self, part: bytes | None, send: Send) -> None:
        is_sse = self._form.transfer == "sse"
        await send(self._start({"x-accel-buffering": "no"}))
        try:
            while part is not None:
                await self._send_part(delta_event(part) if is_sse else part, send)
                part = await self._buffer.next()
        except SlowReaderError:
            raise
        except IntoneError as error:
            if not is_sse:
                raise
            await self._send_part(error_event(error), send)
        else:
            if is_sse:
                await self._send_part(done_event(self._speaking.plan, self._speaking.outcome), send)
        await send({"type": "http.response.body", "body": b""})

    async def _send_part(self, data: bytes, send: Send) -> None:
        try:
            async with asyncio.timeout(self._form.slow_reader_s):
                await send({"type": "http.response.body", "body": data, "more_body": True})
        except TimeoutError:
            raise SlowReaderError(
                f"the reader took nothing for {self._form.slow_reader_s:g} s; its answer is cut."
            ) from None

    def _start(self, late: Mapping[str, str]) -> Message:
        headers = {
            "content-type": self._form.media_type,
            "cache-control": "no-store",
            "server-timing": self._speaking.outcome.server_timing,
            **self._form.headers,
            **late,
        }
        raw = [(name.encode("ascii"), value.encode("latin-1")) for name, value in headers.items()]
        return {"type": "http.response.start", "status": 200, "headers": raw}


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
