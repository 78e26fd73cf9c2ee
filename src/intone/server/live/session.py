"""A live session: reads events, has one text spoken at a time, and ends in one of few ways."""

from __future__ import annotations

import asyncio
import logging

from starlette.websockets import WebSocketDisconnect

from intone.core.errors import EmptyTextError, IntoneError
from intone.server.errors import INVALID_REQUEST, ApiError, api_error, internal_error
from intone.server.live.channel import (
    FAILED,
    GOING_AWAY,
    NORMAL,
    REFUSED,
    TRY_AGAIN,
    Channel,
    SlowReaderError,
)
from intone.server.live.events import (
    ClientEvent,
    InputCancel,
    InputDone,
    InputFlush,
    InputText,
    SessionClose,
    SessionConfig,
    error_event,
    parse_event,
)
from intone.server.live.inputs import TextTimeoutError
from intone.server.live.listener import SocketListener, audio_done
from intone.server.live.setup import Setup, set_up
from intone.server.live.utterance import Utterance
from intone.server.request_ids import RequestRecord
from intone.server.services import Services

_LOG = logging.getLogger("intone.server")
_LOOK_S = 0.5
"""How often a session that waits looks whether the server drains."""


class LiveSession:
    """One client; `run` returns when it is over, and the socket is closed then."""

    def __init__(
        self, services: Services, channel: Channel, record: RequestRecord, key_id: str
    ) -> None:
        self._services = services
        self._channel = channel
        self._record = record
        self._key_id = key_id
        self._setup: Setup | None = None
        self._utterance: Utterance | None = None
        self._speaking: asyncio.Task[None] | None = None
        self._is_last = False
        """No text follows the one under way."""

    async def run(self) -> None:
        """Serves the client until one side ends it."""
        code = NORMAL
        try:
            async with asyncio.timeout(self._services.settings.live.session_s):
                code = await self._serve()
        except (WebSocketDisconnect, SlowReaderError):
            code = GOING_AWAY
        except TimeoutError:
            code = await self._refuse(_too_long(self._services.settings.live.session_s))
        except IntoneError as error:
            code = await self._refuse(api_error(error))
        finally:
            await self._stop()
        await self._channel.close(code)

    async def _serve(self) -> int:
        """Handles events until the session is over; returns the code to close with."""
        receiving: asyncio.Task[str] | None = None
        idle_from_s = self._services.clock()
        look_s = min(_LOOK_S, self._services.settings.live.idle_s)
        try:
            while True:
                receiving = receiving or asyncio.create_task(self._channel.receive())
                waited_for = {receiving} if self._speaking is None else {receiving, self._speaking}
                await asyncio.wait(waited_for, timeout=look_s, return_when=asyncio.FIRST_COMPLETED)
                if self._speaking is not None and self._speaking.done():
                    await self._spoken()
                    idle_from_s = self._services.clock()
                elif receiving.done():
                    message, receiving = receiving.result(), None
                    await self._on(parse_event(message))
                    idle_from_s = self._services.clock()
                if self._speaking is None and self._is_last:
                    await self._channel.send_event({"type": "session.done"})
                    return NORMAL
                self._check_idle(idle_from_s)
        finally:
            if receiving is not None:
                receiving.cancel()

    def _check_idle(self, since_s: float) -> None:
        if self._speaking is not None:
            return
        if self._services.lifecycle.phase == "draining":
            raise ApiError(503, "server_error", "stopping", "the server stops; try again shortly.")
        idle_s = self._services.settings.live.idle_s
        if self._services.clock() - since_s > idle_s:
            raise ApiError(
                408,
                INVALID_REQUEST,
                "idle",
                f"no message came for {idle_s:g} s; connect again when there is text.",
            )

    async def _on(self, event: ClientEvent) -> None:
        match event:
            case SessionConfig():
                await self._configure(event)
            case InputText(text=text):
                await self._feed(text)
            case InputFlush():
                if self._utterance is not None:
                    self._utterance.inputs.flush()
            case InputDone():
                self._end_text()
            case InputCancel():
                await self._cancel()
            case SessionClose():
                self._is_last = True
                if self._utterance is not None:
                    self._utterance.inputs.end()

    async def _configure(self, config: SessionConfig) -> Setup:
        if self._setup is not None:
            raise ApiError(
                400,
                INVALID_REQUEST,
                "config_too_late",
                "the session is configured already; session.config comes once, before any text.",
            )
        setup = await asyncio.to_thread(set_up, config, self._services)
        self._setup, self._record.model = setup, setup.can.model
        await self._channel.send_event(
            {
                "type": "session.created",
                "id": self._record.request_id,
                "model": setup.can.model,
                "voice": setup.voice,
                "mode": config.mode,
                "format": config.format,
                "audio": config.audio,
            }
        )
        return setup

    async def _feed(self, text: str) -> None:
        setup = self._setup or await self._configure(SessionConfig())
        if self._utterance is None:
            self._begin(setup)
        assert self._utterance is not None
        if self._utterance.inputs.is_ended:
            raise ApiError(
                400,
                INVALID_REQUEST,
                "text_after_done",
                "text came after input.done and before audio.done; wait for that, or send "
                "input.cancel, with keep_open in session.config.",
            )
        self._utterance.inputs.feed(text)

    def _begin(self, setup: Setup) -> None:
        listener = SocketListener(self._channel, setup.config)
        plan = setup.plan(self._services)
        self._utterance = Utterance(self._services, plan, listener, self._record, self._key_id)
        self._speaking = asyncio.create_task(self._utterance.run())
        self._speaking.add_done_callback(lambda _: listener.close())
        self._is_last = self._is_last or not setup.config.keep_open

    def _end_text(self) -> None:
        if self._utterance is None:
            raise EmptyTextError("input.done came before any text; send input.text first.")
        self._utterance.inputs.end()

    async def _cancel(self) -> None:
        """Stops the text under way; without one there is nothing to stop: it was over already."""
        utterance = self._utterance
        if utterance is not None:
            await self._stop()
            await self._channel.send_event(audio_done(utterance))

    async def _spoken(self) -> None:
        """Tells how the text under way ended."""
        speaking, utterance = self._speaking, self._utterance
        self._speaking = self._utterance = None
        assert speaking is not None
        assert utterance is not None
        error = speaking.exception()
        if error is None:
            await self._tell_end(utterance)
            return
        if isinstance(error, WebSocketDisconnect | SlowReaderError):
            raise error
        if not isinstance(error, IntoneError):  # this text alone is at fault
            fields = {"request_id": self._record.request_id}
            _LOG.error("a live text failed", exc_info=error, extra={"fields": fields})
            error = internal_error()
        if self._is_last:
            raise error
        await self._channel.send_event(error_event(api_error(error)))

    async def _tell_end(self, utterance: Utterance) -> None:
        if utterance.inputs.has_timed_out:
            waited_s = self._services.settings.live.starved_s
            await self._channel.send_event(error_event(TextTimeoutError(waited_s)))
        await self._channel.send_event(audio_done(utterance))

    async def _stop(self) -> None:
        """Ends the text under way and waits until its take is."""
        speaking, self._speaking, self._utterance = self._speaking, None, None
        if speaking is not None:
            speaking.cancel()
            await asyncio.wait({speaking})
            if not speaking.cancelled():
                speaking.exception()  # it is over, however; who ended the session is told why

    async def _refuse(self, error: ApiError) -> int:
        """Says why the session ends; returns the code to close with."""
        try:
            await self._channel.send_event(error_event(error))
        except (WebSocketDisconnect, SlowReaderError):
            return GOING_AWAY
        if error.status in (429, 503):
            return TRY_AGAIN
        return FAILED if error.status >= 500 else REFUSED


def _too_long(session_s: float) -> ApiError:
    return ApiError(
        408,
        INVALID_REQUEST,
        "session_too_long",
        f"the session has lasted {session_s:g} s, which is the limit; connect again.",
    )
