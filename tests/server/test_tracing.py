"""Spans: one per request, with what the log says of it, and nothing that was spoken."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tests.server.fakes import fake_services

from intone.core.errors import InvalidSettingError, MissingDependencyError
from intone.server.app import create_app
from intone.server.tracing import tracing

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def test_a_request_is_a_span_of_its_callers_trace(tmp_path: Path) -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    services = replace(fake_services(tmp_path), tracer=provider.get_tracer("test"))
    TestClient(create_app(services)).post(
        "/v1/audio/speech",
        json={"input": "a private word", "voice": "ryan"},
        headers={"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01", "x-request-id": "seven"},
    )
    (span,) = exporter.get_finished_spans()

    assert span.name == "POST /v1/audio/speech"
    assert f"{span.get_span_context().trace_id:x}" == TRACE
    attributes = dict(span.attributes or {})
    assert attributes["http.response.status_code"] == 200
    assert attributes["intone.request_id"] == "seven"
    assert attributes["intone.finish_reason"] == "stop"
    assert "private" not in str(attributes)


def test_an_exporter_that_is_absent_is_named() -> None:
    with pytest.raises(MissingDependencyError, match="opentelemetry-exporter-otlp"), tracing({}):
        pass
    with (
        pytest.raises(InvalidSettingError, match="installed: console"),
        tracing({"OTEL_TRACES_EXPORTER": "nowhere"}),
    ):
        pass
    with tracing({"OTEL_TRACES_EXPORTER": "console"}) as tracer:
        assert tracer is not None
