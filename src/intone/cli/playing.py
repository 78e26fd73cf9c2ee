"""Hearing what is made while more of it is made."""

from __future__ import annotations

from queue import SimpleQueue
from threading import Thread
from types import TracebackType
from typing import Self

from intone.audio.playback import Player
from intone.core.errors import OutputError
from intone.core.types import Samples


class BackgroundPlayer:
    """Plays samples in order on a thread of its own, so that nobody waits for the loudspeaker."""

    def __init__(self, sample_rate_hz: int) -> None:
        """Opens the loudspeaker; raises MissingDependencyError or OutputError."""
        self._player = Player(sample_rate_hz)
        self._waiting: SimpleQueue[Samples | None] = SimpleQueue()
        self._error: OutputError | None = None
        self._thread = Thread(target=self._play, name="intone-playing", daemon=True)
        self._thread.start()

    def write(self, samples: Samples) -> None:
        """Appends samples [S]; raises OutputError where playing has failed."""
        if self._error is not None:
            raise self._error
        self._waiting.put(samples)

    def _play(self) -> None:
        while (samples := self._waiting.get()) is not None:
            try:
                self._player.write(samples)
            except OutputError as error:
                self._error = error
                return

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Waits until all is heard, or tells why it is not; an error silences it at once."""
        self._waiting.put(None)
        if kind is not None:
            self._player.abort()
            return
        self._thread.join()
        if self._error is not None:
            self._player.abort()
            raise self._error
        self._player.close()
