"""Whether the server takes work: starting, ready, draining. `/readyz` and the front door ask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from intone.core.errors import IntoneError

Phase = Literal["starting", "ready", "draining"]


class Lifecycle:
    """One server's phase, and how many requests are in it. On the event loop's thread only."""

    def __init__(self, phase: Phase = "ready") -> None:
        self.phase: Phase = phase
        self.num_in = 0
        """Requests and WebSockets that are being answered."""
        self.problem: IntoneError | None = None
        """Why it cannot start; the process ends with it."""
        self._enders: list[Callable[[], None]] = []

    def when_draining(self, end: Callable[[], None]) -> None:
        """Has `end` called when draining begins; what never ends by itself is ended with it. It
        runs between two lines of the loop's thread: it sets an event, and no more."""
        self._enders.append(end)

    def start(self) -> None:
        """Takes work from now on, unless it drains already."""
        if self.phase == "starting":
            self.phase = "ready"

    def drain(self) -> None:
        """Takes no new work from now on; what runs goes on."""
        self.phase = "draining"
        for end in self._enders:
            end()
