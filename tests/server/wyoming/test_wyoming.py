"""Wyoming, spoken with by wyoming's own client, over real sockets, on fakes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.server.fakes import FakeSource, fake_services, with_settings
from wyoming.client import AsyncTcpClient
from wyoming.event import Event, Eventable
from wyoming.info import Describe, Info
from wyoming.ping import Ping
from wyoming.tts import (
    Synthesize,
    SynthesizeChunk,
    SynthesizeStart,
    SynthesizeStop,
    SynthesizeVoice,
)

from intone.core.errors import InvalidSettingError, OutputError
from intone.server.sections import LimitsSection, ServerSection, WyomingSection
from intone.server.services import Services
from intone.server.wyoming.serving import check_wyoming, wyoming_serving

MAX_WAIT_S = 5.0

Scene = Callable[[AsyncTcpClient], Awaitable[Any]]


@pytest.fixture
def source() -> FakeSource:
    return FakeSource()


@pytest.fixture
def services(tmp_path: Path, source: FakeSource) -> Services:
    listening = WyomingSection(enabled=True, port=0)
    return with_settings(fake_services(tmp_path, source), wyoming=listening)


def play(services: Services, scene: Scene) -> Any:
    """Runs a scene with a client that is connected."""

    async def run() -> Any:
        async with asyncio.timeout(MAX_WAIT_S), wyoming_serving(services) as port:
            assert port is not None
            async with AsyncTcpClient("127.0.0.1", port) as client:
                return await scene(client)

    return asyncio.run(run())


async def ask(client: AsyncTcpClient, *events: Eventable, ends: str) -> list[Event]:
    """Sends events and returns what comes up to an event of a type."""
    for event in events:
        await client.write_event(event.event())
    answers: list[Event] = []
    while not answers or answers[-1].type not in (ends, "error"):
        event = await client.read_event()
        assert event is not None, "the server left"
        answers.append(event)
    return answers


def kinds(events: list[Event]) -> list[str]:
    """Returns the types, runs of one type as one."""
    names = [event.type for event in events]
    return [name for n, name in enumerate(names) if n == 0 or names[n - 1] != name]


def sound(events: list[Event]) -> bytes:
    return b"".join(event.payload or b"" for event in events if event.type == "audio-chunk")


def test_describe_lists_voices_and_streaming_and_loads_nothing(
    services: Services, source: FakeSource
) -> None:
    (answer,) = play(services, lambda client: ask(client, Describe(), ends="info"))
    (program,) = Info.from_event(answer).tts
    assert program.supports_synthesize_streaming
    assert [voice.name for voice in program.voices][:2] == ["ryan", "vivian"]
    assert "de" in program.voices[0].languages
    assert program.voices[0].installed
    assert not source.opened


def test_a_whole_text_is_spoken(services: Services, source: FakeSource) -> None:
    asked = Synthesize("Hello there. How are you?", SynthesizeVoice(name="vivian"))
    answers = play(services, lambda client: ask(client, asked, ends="audio-stop"))
    assert kinds(answers) == ["audio-start", "audio-chunk", "audio-stop"]
    assert answers[0].data == {"rate": 24_000, "width": 2, "channels": 1, "timestamp": None}
    assert len(sound(answers)) > 3 * 1920 * 2
    requests = source.counts["fake-custom"].requests
    assert [request.text for request in requests] == ["Hello there.", "How are you?"]
    assert {request.voice for request in requests} == {"vivian"}


def test_a_streamed_text_is_spoken_before_its_end(services: Services) -> None:
    async def scene(client: AsyncTcpClient) -> list[Event]:
        begun = await ask(
            client,
            SynthesizeStart(voice=SynthesizeVoice(language="en")),
            SynthesizeChunk("Hello there. And"),
            ends="audio-chunk",
        )
        rest = await ask(
            client,
            SynthesizeChunk(" you?"),
            Synthesize("Hello there. And you?"),  # the same again, for older servers
            SynthesizeStop(),
            ends="synthesize-stopped",
        )
        return [*begun, *rest]

    answers = play(services, scene)
    assert kinds(answers) == ["audio-start", "audio-chunk", "audio-stop", "synthesize-stopped"]


def test_streamed_and_whole_have_the_same_takes(services: Services, source: FakeSource) -> None:
    words = "Hello there. How are you?"

    async def scene(client: AsyncTcpClient) -> None:
        await ask(client, Synthesize(words), ends="audio-stop")
        pieces = [SynthesizeChunk(character) for character in words]
        await ask(client, SynthesizeStart(), *pieces, SynthesizeStop(), ends="synthesize-stopped")

    play(services, scene)
    texts = [request.text for request in source.counts["fake-custom"].requests]
    assert texts[:2] == texts[2:] == ["Hello there.", "How are you?"]


def test_a_client_that_leaves_stops_its_take_within_two_frames(
    services: Services, source: FakeSource
) -> None:
    behaviour = source.behaviours["fake-custom"]
    behaviour.frame_s, behaviour.num_frames = 0.02, lambda request: 100_000
    counts = source.counts["fake-custom"]

    async def scene() -> int:
        async with wyoming_serving(services) as port:
            assert port is not None
            async with AsyncTcpClient("127.0.0.1", port) as client:
                await ask(client, Synthesize("Hello there."), ends="audio-chunk")
                before = counts.frames_made
            while counts.cancellations == 0:
                await asyncio.sleep(0.002)
            made = counts.frames_made
            await asyncio.sleep(0.1)
            assert counts.frames_made == made
            return made - before

    async def limited() -> int:
        async with asyncio.timeout(MAX_WAIT_S):
            return await scene()

    assert asyncio.run(limited()) <= 3  # one was on its way when the client left
    assert services.admission.state().num_running == 0
    assert services.lifecycle.num_in == 0


@pytest.mark.parametrize(
    ("events", "code"),
    [
        ([Synthesize("Hello.", SynthesizeVoice(name="nobody"))], "unknown_voice"),
        ([Synthesize("Hello.", SynthesizeVoice(language="tlh"))], "unknown_language"),
        ([Synthesize("  ")], "empty_text"),
        ([Synthesize("<speak>Hi</speak>", text_format="ssml")], "unsupported_mode"),
        ([SynthesizeChunk("Hello.")], "no_stream"),
        ([SynthesizeStart(), SynthesizeStart()], "busy_connection"),
        ([SynthesizeStart(), SynthesizeChunk("a" * 30)], "text_too_long"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(
    services: Services, events: list[Eventable], code: str
) -> None:
    few = with_settings(services, limits=LimitsSection(text_characters=20))
    answers = play(few, lambda client: ask(client, *events, ends="error"))
    assert answers[-1].data["code"] == code
    assert answers[-1].data["text"]


def test_an_error_of_the_model_shows_nothing_and_the_next_text_is_spoken(
    services: Services, source: FakeSource
) -> None:
    async def scene(client: AsyncTcpClient) -> list[Event]:
        source.behaviours["fake-custom"].fail_at_frame = 1
        (*_, error) = await ask(client, Synthesize("Hello."), ends="error")
        assert error.data["code"] == "internal_error"
        assert "secret" not in error.data["text"]
        source.behaviours["fake-custom"].fail_at_frame = None
        return await ask(client, Synthesize("Hello."), ends="audio-stop")

    assert play(services, scene)[-1].type == "audio-stop"


def test_unknown_events_are_dropped_and_pings_answered(services: Services) -> None:
    async def scene(client: AsyncTcpClient) -> list[Event]:
        await client.write_event(Event("transcribe", {"language": "en"}))
        return await ask(client, Ping(text="are you there"), ends="pong")

    assert play(services, scene)[0].data["text"] == "are you there"


HOSTILE = [
    b"\x00\xff\xfe\n",
    b"[1]\n",
    b'{"type": 7}\n',
    b'{"data": {}}\n',
    b'{"type": "synthesize", "data": 5}\n',
    b'{"type": "synthesize"}\n',
    b'{"type": "synthesize", "data": {"text": 9}}\n',
    b'{"type": "synthesize", "data": {"text": "a", "voice": "ryan"}}\n',
    b'{"type": "synthesize", "data": {"text": "\\ud800"}}\n',
    b'{"type": "describe", "data_length": -1}\n',
    b'{"type": "describe", "data_length": 99999999999}\n',
    b'{"type": "audio-chunk", "payload_length": 99999999999}\n',
    b'{"type": "describe", "data_length": 3}\n{]}',
    b'{"type": ' + b"[" * 50_000 + b"\n",
    b"a" * 200_000,
]


@pytest.mark.parametrize("data", HOSTILE)
def test_what_is_no_event_ends_its_connection_alone(services: Services, data: bytes) -> None:
    async def scene(client: AsyncTcpClient) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
        writer.write(data)
        answer = await reader.read()
        assert json.loads(answer.split(b"\n")[0])["type"] == "error"
        writer.close()
        assert (await ask(client, Describe(), ends="info"))[-1].type == "info"

    play(services, scene)


def test_listening_for_others_needs_to_be_said(services: Services) -> None:
    open_host = WyomingSection(enabled=True, host="0.0.0.0", port=0)
    bold = with_settings(services, wyoming=open_host)
    with pytest.raises(InvalidSettingError, match="no keys"):
        check_wyoming(bold)
    check_wyoming(with_settings(bold, server=ServerSection(insecure=True)))


def test_a_port_that_is_taken_is_told(services: Services) -> None:
    async def run() -> None:
        async with wyoming_serving(services) as port:
            again = WyomingSection(enabled=True, port=port)
            async with wyoming_serving(with_settings(services, wyoming=again)):
                pass

    with pytest.raises(OutputError, match="choose another"):
        asyncio.run(run())


def test_not_asked_for_it_does_not_listen(tmp_path: Path) -> None:
    async def run() -> int | None:
        async with wyoming_serving(fake_services(tmp_path)) as port:
            return port

    assert asyncio.run(run()) is None
