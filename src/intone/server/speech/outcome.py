"""What is known of one answer so far: when, how much, how it ended."""

from __future__ import annotations

from dataclasses import dataclass

from intone.core.types import AudioChunk, FinishReason
from intone.server.metrics import Metrics


@dataclass(slots=True)
class Outcome:
    """Filled while a plan is spoken; times are seconds since the request came."""

    finish_reason: FinishReason | None = None
    """Of the whole: the worst of its takes."""
    num_frames: int = 0
    num_samples: int = 0
    """Heard, gaps included."""
    num_takes: int = 0
    queue_s: float | None = None
    """Until there was a place."""
    load_s: float | None = None
    """From there until the model was there."""
    ttfa_s: float | None = None

    def take_over(self, reason: FinishReason) -> None:
        """Adds how a take ended."""
        self.num_takes += 1
        if self.finish_reason in (None, "stop"):
            self.finish_reason = reason

    @property
    def server_timing(self) -> str:
        """The value of `Server-Timing`, as far as it is known."""
        named = (("queue", self.queue_s), ("load", self.load_s), ("ttfa", self.ttfa_s))
        return ", ".join(f"{name};dur={s * 1_000:.1f}" for name, s in named if s is not None)


class TakeFigures:
    """Tells the metrics about one take, however it ends."""

    def __init__(self, metrics: Metrics, route: str, waited_s: float | None = 0.0) -> None:
        """Begins with a take.

        Args:
            waited_s: from the request to the begin of the take; None: its request was heard before.
        """
        self._metrics = metrics
        self._waited_s = waited_s
        self._route = route
        self._wall_s: float | None = None
        self._last: AudioChunk | None = None

    def chunk(self, chunk: AudioChunk, wall_s: float) -> None:
        """Counts a chunk that came `wall_s` after the take was begun."""
        if self._wall_s is None and self._waited_s is not None:
            self._metrics.first_audio(self._route, self._waited_s + wall_s)
        elif self._wall_s is not None:
            self._metrics.chunk_gap(self._route, wall_s - self._wall_s)
        self._wall_s, self._last = wall_s, chunk

    def over(self) -> None:
        """Counts the take; one without its last chunk was cancelled."""
        last = self._last
        if last is None:
            return
        self._metrics.take_done(
            self._route,
            last.finish_reason or "cancelled",
            audio_s=last.timing.audio_s,
            wall_s=self._wall_s or 0.0,
            num_draws=last.num_draws,
        )
