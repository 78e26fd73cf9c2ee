"""A client that leaves while its answer is made: designs and batches stop within two frames."""

from __future__ import annotations

import time
from pathlib import Path

import httpx
import pytest
from tests.server.fakes import FakeSource, fake_services
from tests.server.serving import serving

FRAME_S = 0.04

BODIES = {
    "/v1/audio/voices/design": {"description": "A calm voice.", "text": "It was late.", "n": 4},
    "/v1/audio/batch": {"items": [{"input": "It was late."}, {"input": "Nobody had slept."}]},
}


@pytest.mark.parametrize("route", BODIES)
def test_a_client_that_leaves_stops_the_work_within_two_frames(tmp_path: Path, route: str) -> None:
    source = FakeSource()
    for behaviour in source.behaviours.values():
        behaviour.frame_s, behaviour.num_frames = FRAME_S, lambda request: 10_000
    services = fake_services(tmp_path, source)
    takes = 1 if "design" in route else 2
    with serving(services) as url:
        with httpx.Client(timeout=8 * FRAME_S) as client, pytest.raises(httpx.ReadTimeout):
            client.post(f"{url}{route}", json=BODIES[route])
        at_departure = source.frames_made
        assert at_departure > 0
        time.sleep(8 * FRAME_S)
        assert source.frames_made - at_departure <= 2 * takes
        assert sum(counts.cancellations for counts in source.counts.values()) == takes
        assert services.admission.state().num_running == 0
