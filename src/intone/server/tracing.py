"""A span per request with OpenTelemetry, where it is installed and asked for (`otel`).

Spans carry what the log line carries, no texts. A `traceparent` of the caller is continued. Where
they go is OpenTelemetry's own matter: `OTEL_TRACES_EXPORTER` (otlp, console) and its variables.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from intone.core.errors import InvalidSettingError, MissingDependencyError
from intone.server.front_door import route_of
from intone.server.request_ids import record_in

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer

EXPORTER_VARIABLE = "OTEL_TRACES_EXPORTER"
_EXPORTERS = "opentelemetry_traces_exporter"


class Traced:
    """Puts each request into a span of its own."""

    def __init__(self, app: ASGIApp, tracer: Tracer) -> None:
        self._app = app
        self._tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        from opentelemetry.propagate import extract
        from opentelemetry.trace import SpanKind

        parent = extract(dict(Headers(scope=scope)))
        name = scope.get("method", "WS")
        with self._tracer.start_as_current_span(name, context=parent, kind=SpanKind.SERVER) as span:

            async def watched(message: Message) -> None:
                if message["type"].endswith("response.start"):
                    span.set_attribute("http.response.status_code", message["status"])
                await send(message)

            try:
                await self._app(scope, receive, watched)
            finally:
                _describe(span, scope, name)


@contextmanager
def tracing(environ: Mapping[str, str]) -> Iterator[Tracer]:
    """Yields a tracer whose spans are exported; what is left is sent at the end.

    Raises:
        MissingDependencyError: OpenTelemetry, or the exporter that is named, is absent.
    """
    try:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            "tracing needs OpenTelemetry; install intone[otel], or leave INTONE_OTEL out."
        ) from error
    name = environ.get(EXPORTER_VARIABLE) or "otlp"
    found = tuple(entry_points(group=_EXPORTERS, name=name))
    if not found:
        raise _no_exporter(name)
    service = environ.get("OTEL_SERVICE_NAME") or "intone"
    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    provider.add_span_processor(BatchSpanProcessor(found[0].load()()))
    try:
        yield provider.get_tracer("intone")
    finally:
        provider.shutdown()


def _no_exporter(name: str) -> MissingDependencyError | InvalidSettingError:
    if name == "otlp":
        return MissingDependencyError(
            "sending traces needs opentelemetry-exporter-otlp-proto-http; install it, or set "
            f"{EXPORTER_VARIABLE}=console."
        )
    known = ", ".join(sorted({entry.name for entry in entry_points(group=_EXPORTERS)}))
    return InvalidSettingError(f"{EXPORTER_VARIABLE} is {name!r}; installed: {known}.")


def _describe(span: Span, scope: Scope, method: str) -> None:
    record, route = record_in(scope), route_of(scope)
    span.update_name(f"{method} {route}")
    known = {
        "http.request.method": method,
        "http.route": route,
        "intone.request_id": record.request_id,
        "intone.key": record.key_id,
        "intone.model": record.model,
        "intone.finish_reason": record.finish_reason,
        "intone.audio_s": record.audio_s,
    }
    span.set_attributes({name: value for name, value in known.items() if value is not None})
