"""Who leaves in the middle leaves no codec behind: one of flac has 7 MB."""

from __future__ import annotations

import gc

import httpx
import pytest
from tests.server.contract.conftest import StartServer
from tests.server.fakes import FakeSource

from intone.bench.memory import ProcessMemory
from intone.server.services import Services

NUM_LEAVERS = 20


def anonymous_mb() -> float:
    found = ProcessMemory.here().anonymous_mb
    if found is None:
        pytest.skip("this system does not say what a process holds")
    return found


def leave(url: str) -> None:
    body = {"model": "tts-1", "voice": "alloy", "input": "x", "response_format": "flac"}
    with httpx.stream("POST", f"{url}/v1/audio/speech", json=body) as answer:
        next(answer.iter_raw())


def test_those_who_leave_leave_no_codec_behind(start: StartServer, new_services: Services) -> None:
    source = new_services.source
    assert isinstance(source, FakeSource)
    source.behaviours["fake-custom"].frame_s = 0.005
    source.behaviours["fake-custom"].num_frames = lambda request: 500
    url = start(new_services)
    for _ in range(3):
        leave(url)
    gc.collect()
    gc.disable()  # it would hide them, sooner or later
    try:
        before_mb = anonymous_mb()
        for _ in range(NUM_LEAVERS):
            leave(url)
        grown_mb = anonymous_mb() - before_mb
    finally:
        gc.enable()

    assert grown_mb < 2 * NUM_LEAVERS
