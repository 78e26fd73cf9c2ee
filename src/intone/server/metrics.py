"""What a server counts, for Prometheus. A registry of its own: two servers do not share figures."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from intone.core.types import FinishReason
from intone.server.admission import Admission
from intone.server.pool import ModelPool
from intone.server.pool_state import PoolCounts

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_LATENCY_S = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30)
_GAP_S = (0.01, 0.02, 0.05, 0.08, 0.16, 0.32, 0.64, 1, 2, 5)
_RTF = (0.25, 0.5, 0.75, 1, 1.25, 1.5, 2, 3, 4, 6, 8, 12, 20)
_NO_TAKE = "none"


class Metrics:
    """Counters and histograms; routes and the pool tell, `/metrics` reads."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self._requests = Counter(
            "intone_requests",
            "Requests by route, status and finish reason of their last take",
            ("route", "status", "finish_reason"),
            registry=registry,
        )
        self._request_s = Histogram(
            "intone_request_seconds",
            "From the first byte of a request to the last of its answer",
            ("route",),
            buckets=_LATENCY_S,
            registry=registry,
        )
        self._ttfa = Histogram(
            "intone_ttfa_seconds",
            "From a request to its first audio",
            ("route",),
            buckets=_LATENCY_S,
            registry=registry,
        )
        self._gap = Histogram(
            "intone_chunk_gap_seconds",
            "Between two chunks of one stream",
            ("route",),
            buckets=_GAP_S,
            registry=registry,
        )
        self._rtf = Histogram(
            "intone_rtf",
            "Audio seconds per wall second of a take; higher is faster",
            ("route",),
            buckets=_RTF,
            registry=registry,
        )
        self._audio_s = Counter(
            "intone_audio_seconds", "Audio made, in seconds", ("route",), registry=registry
        )
        self._guard = Counter(
            "intone_guard_stops", "Draws that the guard stopped", registry=registry
        )
        self._cancelled = Counter(
            "intone_cancelled", "Takes whose caller left", ("route",), registry=registry
        )
        self.queue_depth = Gauge("intone_queue_depth", "Requests that wait", registry=registry)
        self.running = Gauge("intone_running", "Requests that are spoken", registry=registry)
        self.slots = Gauge("intone_slots", "Requests that may be spoken at once", registry=registry)
        self.memory_bytes = Gauge(
            "intone_memory_bytes", "Resident memory of the process", registry=registry
        )
        self.models_loaded = Gauge(
            "intone_models_loaded", "Models in memory, by name", ("model",), registry=registry
        )
        self._pool_counts = _PoolCollector()
        registry.register(self._pool_counts)

    def request_done(
        self, route: str, status: int, finish_reason: FinishReason | None, wall_s: float
    ) -> None:
        """Counts one request; every route passes here, told by the outermost layer."""
        self._requests.labels(route, str(status), finish_reason or _NO_TAKE).inc()
        self._request_s.labels(route).observe(wall_s)

    def first_audio(self, route: str, ttfa_s: float) -> None:
        """Counts the first audio of a request, as the server has it ready."""
        self._ttfa.labels(route).observe(ttfa_s)

    def chunk_gap(self, route: str, gap_s: float) -> None:
        """Counts the time between two chunks."""
        self._gap.labels(route).observe(gap_s)

    def take_done(
        self,
        route: str,
        finish_reason: FinishReason,
        *,
        audio_s: float,
        wall_s: float,
        num_draws: int = 1,
    ) -> None:
        """Counts one take, whole or cut short."""
        self._audio_s.labels(route).inc(audio_s)
        self._guard.inc(num_draws - 1 + (finish_reason == "guard"))
        if finish_reason == "cancelled":
            self._cancelled.labels(route).inc()
        elif audio_s > 0.0 and wall_s > 0.0:
            self._rtf.labels(route).observe(audio_s / wall_s)

    def read_state(self, pool: ModelPool, admission: Admission) -> None:
        """Takes over how things stand now; called before the figures are read."""
        state = admission.state()
        self.queue_depth.set(state.num_waiting)
        self.running.set(state.num_running)
        self.slots.set(admission.max_running)
        self.memory_bytes.set(_resident_bytes())
        self.models_loaded.clear()
        for model in pool.states():
            self.models_loaded.labels(model.name).set(model.status == "ready")
        self._pool_counts.counts = pool.counts

    def text(self) -> bytes:
        """Returns all figures in Prometheus' text format."""
        return generate_latest(self.registry)


class _PoolCollector(Collector):
    """The pool counts by itself; its figures are read when somebody asks for them."""

    def __init__(self) -> None:
        self.counts = PoolCounts()

    def collect(self) -> Iterator[Metric]:
        """Yields the counters as they stand."""
        for name, help_text, value in (
            ("intone_model_loads", "Loads of models since the start", self.counts.loads),
            ("intone_model_evictions", "Idle models that gave way", self.counts.evictions),
            ("intone_model_restarts", "Engines that died, restarted", self.counts.restarts),
            ("intone_model_failures", "Loads that failed", self.counts.failures),
        ):
            yield CounterMetricFamily(name, help_text, value)


def _resident_bytes() -> int:
    """Returns the resident memory of this process; 0 where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
