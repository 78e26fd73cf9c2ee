"""One text and a listener who is slow: what waits is bounded, and others get the place."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.server.fakes import FakeSource, fake_services

from intone.core.types import SpeechRequest
from intone.server.live.speaking import SegmentDone, Sound, Spoken
from intone.server.live.utterance import MAX_UNSENT_S, Plan, Utterance
from intone.server.request_ids import RequestRecord
from intone.server.sections import QueueSection
from intone.server.services import Services
from intone.server.settings import Settings

LONG_TAKE_FRAMES = 200
"""Sixteen seconds."""
FRAME_SAMPLES = 1920


@dataclass
class SlowListener:
    """Takes nothing until its gate is open."""

    gate: asyncio.Event = field(default_factory=asyncio.Event)
    heard: list[Spoken] = field(default_factory=list)
    is_finished: bool = False
    error: Exception | None = None

    async def start(self, seed: int) -> None:
        await self.gate.wait()
        if self.error is not None:
            raise self.error

    async def hear(self, item: Spoken) -> None:
        self.heard.append(item)

    async def finish(self) -> None:
        self.is_finished = True

    @property
    def num_samples(self) -> int:
        return sum(len(item.samples) for item in self.heard if isinstance(item, Sound))


@pytest.fixture
def source() -> FakeSource:
    source = FakeSource()
    source.behaviours["fake-custom"].num_frames = lambda request: LONG_TAKE_FRAMES
    return source


@pytest.fixture
def services(tmp_path: Path, source: FakeSource) -> Services:
    """One place, so that whoever holds it shows."""
    return fake_services(tmp_path, source, Settings(queue=QueueSection(running=1)))


def utterance(services: Services, listener: SlowListener) -> Utterance:
    plan = Plan(
        model="fake-custom",
        template=SpeechRequest(text="to come", seed=1, voice="ryan"),
        is_by_token=False,
        spelling="off",
        max_delay_s=3.0,
        route="live",
    )
    return Utterance(services, plan, listener, RequestRecord("id", 0.0), "someone")


async def until_still(source: FakeSource) -> int:
    """Returns how many frames were made when, after the first, no more are for 0.1 s."""
    made, num_still = 0, 0
    while num_still < 5:
        num_still = num_still + 1 if made == source.frames_made > 0 else 0
        made = source.frames_made
        await asyncio.sleep(0.02)
    return made


def test_a_slow_listener_bounds_what_is_made_and_gives_its_place_away(
    services: Services, source: FakeSource
) -> None:
    async def scene() -> None:
        listener = SlowListener()
        slow = utterance(services, listener)
        slow.inputs.feed("One here. Two here. Three here. Four here. Five here. ")
        slow.inputs.end()
        speaking = asyncio.create_task(slow.run())
        made = await until_still(source)
        assert 0 < made <= MAX_UNSENT_S * 12.5 + LONG_TAKE_FRAMES
        assert services.admission.state().num_running == 0
        quick = SlowListener()
        quick.gate.set()
        other = utterance(services, quick)
        other.inputs.feed("Me too.")
        other.inputs.end()
        await other.run()
        assert quick.is_finished
        listener.gate.set()
        await speaking
        assert listener.is_finished
        assert listener.num_samples == slow.figures.num_samples
        assert sum(isinstance(item, SegmentDone) for item in listener.heard) == 5

    async def limited() -> None:
        async with asyncio.timeout(10):
            await scene()

    asyncio.run(limited())
    assert services.admission.state().num_running == 0


def test_a_listener_who_is_gone_stops_the_take(services: Services, source: FakeSource) -> None:
    behaviour = source.behaviours["fake-custom"]
    behaviour.frame_s, behaviour.num_frames = 0.005, lambda request: 100_000

    async def scene() -> None:
        listener = SlowListener(error=ConnectionResetError("gone"))
        spoken = utterance(services, listener)
        spoken.inputs.feed("Hello there. And")
        speaking = asyncio.create_task(spoken.run())
        await asyncio.sleep(0.05)
        before = source.frames_made
        listener.gate.set()
        with pytest.raises(ConnectionResetError):
            await speaking
        assert source.frames_made <= before + 2
        await asyncio.sleep(0.05)
        assert source.frames_made <= before + 2
        assert spoken.figures.finish_reason == "cancelled"

    asyncio.run(scene())
    assert source.counts["fake-custom"].cancellations == 1
    assert services.admission.state().num_running == 0
