"""Live text over the WebSocket of a server: spoken while it is written, ended when it is left."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.remote.fleet import other_server, own_services, pcm
from tests.server.fakes import FakeSource
from tests.server.serving import serving

from intone.core.errors import (
    MissingDependencyError,
    RemoteError,
    UnknownVoiceError,
    UnsupportedModeError,
)
from intone.core.types import AudioChunk, ModelKind, SpeechRequest, join_chunks
from intone.remote import RemoteTTS
from intone.server.admission import NO_LIMITS
from intone.server.keys import KeyFile
from intone.tts import TTS

Checkpoint = Callable[[ModelKind], Path]
FIRST, REST = "The signal is back, ", ("and nobody ", "", "knows why.")


async def written(*pieces: str) -> AsyncIterator[str]:
    for piece in pieces:
        await asyncio.sleep(0)
        yield piece


async def heard(
    remote: RemoteTTS | TTS, request: SpeechRequest, pieces: AsyncIterator[str]
) -> list[AudioChunk]:
    return [chunk async for chunk in remote.astream_live(request, pieces)]


@pytest.fixture
def source() -> FakeSource:
    return FakeSource()


@pytest.fixture
def fake(source: FakeSource, tmp_path: Path) -> Iterator[RemoteTTS]:
    with serving(own_services(tmp_path, source)) as url, RemoteTTS(url) as remote:
        yield remote


def test_live_text_is_spoken_while_it_is_written(fake: RemoteTTS, source: FakeSource) -> None:
    async def main() -> list[AudioChunk]:
        begun = asyncio.Event()

        async def pieces() -> AsyncIterator[str]:
            await begun.wait()  # the rest is written when the beginning was heard
            for piece in REST:
                yield piece

        chunks = []
        request = SpeechRequest(text=FIRST, voice="vivian", instruct="warmly", seed=7)
        async for chunk in fake.astream_live(request, pieces()):
            begun.set()
            chunks.append(chunk)
        return chunks

    chunks = asyncio.run(main())
    (request,) = source.counts["fake-custom"].requests

    assert (request.voice, request.instruct, request.seed) == ("vivian", "warmly", 7)
    assert join_chunks(chunks).finish_reason == "stop"
    assert sum(chunk.num_frames for chunk in chunks) == 3 + len(FIRST + "".join(REST)) // 8
    assert chunks[-1].seed == 7


def test_leaving_ends_the_take_on_the_server(fake: RemoteTTS, source: FakeSource) -> None:
    async def endless() -> AsyncIterator[str]:
        while True:
            await asyncio.sleep(0.01)
            yield "and so on, "

    async def main() -> None:
        async for _ in fake.astream_live(SpeechRequest(text=FIRST), endless()):
            break
        for _ in range(300):
            if source.counts["fake-custom"].cancellations:
                return
            await asyncio.sleep(0.01)

    asyncio.run(main())

    assert source.counts["fake-custom"].cancellations == 1


def test_what_the_pieces_raise_is_raised_and_ends_the_take(
    fake: RemoteTTS, source: FakeSource
) -> None:
    async def broken() -> AsyncIterator[str]:
        yield "more "
        raise ValueError("the writer broke")

    with pytest.raises(ValueError, match="the writer broke"):
        asyncio.run(heard(fake, SpeechRequest(text=FIRST), broken()))


def test_errors_of_the_server_are_of_the_tree(fake: RemoteTTS, source: FakeSource) -> None:
    request = SpeechRequest(text=FIRST, voice="nobody")
    with pytest.raises(UnknownVoiceError, match="ryan"):
        asyncio.run(heard(fake, request, written(*REST)))

    source.behaviours["fake-custom"].fail_at_frame = 2
    with pytest.raises(RemoteError, match="the server failed at this request"):
        asyncio.run(heard(fake, SpeechRequest(text=FIRST), written(*REST)))


def test_a_clip_is_refused_with_what_to_do(fake: RemoteTTS) -> None:
    clip = np.sin(np.arange(48_000) / 20).astype(np.float32)
    request = SpeechRequest(text=FIRST, voice=fake.clone((clip, 24_000)))

    with pytest.raises(UnsupportedModeError, match="keep the voice on the server"):
        asyncio.run(heard(fake, request, written()))


def test_a_key_goes_along(tmp_path: Path) -> None:
    token = KeyFile(tmp_path / "keys.json").add("alice", NO_LIMITS)
    with serving(own_services(tmp_path)) as url:
        with RemoteTTS(url, api_key=token) as remote:
            chunks = asyncio.run(heard(remote, SpeechRequest(text=FIRST), written(*REST)))
        assert chunks[-1].is_last
        with RemoteTTS(url, api_key="other", dialect="intone") as remote:
            with pytest.raises(RemoteError, match="refused the key"):
                asyncio.run(heard(remote, SpeechRequest(text=FIRST), written()))


def test_servers_of_others_are_refused_in_words() -> None:
    with other_server(pcm(b"")) as (url, _), RemoteTTS(url) as remote:
        with pytest.raises(UnsupportedModeError, match="vllm-omni"):
            asyncio.run(heard(remote, SpeechRequest(text=FIRST), written()))


def test_without_websockets_the_extra_is_named(
    fake: RemoteTTS, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "websockets.asyncio.client", None)
    with pytest.raises(MissingDependencyError, match=r"intone\[server\]"):
        asyncio.run(heard(fake, SpeechRequest(text=FIRST), written()))
