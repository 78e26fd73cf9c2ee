"""The figures: their names are a promise to dashboards."""

from __future__ import annotations

import re
from pathlib import Path

from fastapi.testclient import TestClient
from tests.server.fakes import fake_services

from intone.server.app import create_app

NAMES = """
intone_audio_seconds intone_cancelled intone_chunk_gap_seconds intone_guard_stops
intone_memory_bytes intone_model_evictions intone_model_failures intone_model_loads
intone_model_restarts intone_models_loaded intone_queue_depth intone_request_seconds
intone_requests intone_rtf intone_running intone_slots intone_ttfa_seconds
""".split()


def test_the_names_are_those_that_are_documented(tmp_path: Path) -> None:
    text = TestClient(create_app(fake_services(tmp_path))).get("/metrics").text
    names = re.findall(r"^# TYPE (\w+?)(?:_total)? \w+$", text, flags=re.MULTILINE)

    assert sorted(name for name in names if not name.endswith("_created")) == NAMES


def test_every_request_is_counted_by_route_status_and_reason(tmp_path: Path) -> None:
    client = TestClient(create_app(fake_services(tmp_path)))
    client.post("/v1/audio/speech", json={"input": "Hello.", "voice": "ryan"})
    client.get("/v1/models/nobody")
    text = client.get("/metrics").text

    assert _value(text, 'intone_requests_total{finish_reason="stop",route="/v1/audio/speech"') == 1
    assert _value(text, 'finish_reason="none",route="/v1/models/{id:path}', part=True) == 1
    assert _value(text, 'intone_ttfa_seconds_count{route="/v1/audio/speech"') == 1
    assert _value(text, 'intone_models_loaded{model="fake-custom"') == 1
    assert _value(text, "intone_model_loads_total") == 1


def _value(text: str, start: str, *, part: bool = False) -> float:
    lines = (line for line in text.splitlines() if "_created" not in line)
    found = [line for line in lines if (start in line if part else line.startswith(start))]
    return float(found[0].rsplit(" ", 1)[1])
