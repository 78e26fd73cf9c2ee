"""The one contract that surfaces speak to; in-process and remote engines implement it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Protocol

from intone.core.types import Audio, AudioChunk, Capabilities, Samples, SpeechRequest


class Synthesizer(Protocol):
    """Turns requests into audio; many threads or tasks may call at once."""

    def capabilities(self) -> Capabilities:
        """Returns what this synthesizer can be asked for."""
        ...

    def synthesize(self, request: SpeechRequest) -> Audio:
        """Returns the whole take; raises an IntoneError."""
        ...

    def stream_request(self, request: SpeechRequest) -> Iterator[AudioChunk]:
        """Yields chunks as they are made; closing the iterator cancels within one frame."""
        ...

    def astream_request(self, request: SpeechRequest) -> AsyncIterator[AudioChunk]:
        """The same for a task."""
        ...

    def astream_live(
        self, request: SpeechRequest, pieces: AsyncIterator[str]
    ) -> AsyncIterator[AudioChunk]:
        """Yields the chunks of a take whose text arrives while it is spoken.

        Args:
            request: its text is the first piece.
            pieces: more text, white space and all; what they raise, this raises.
        """
        ...

    def x_vector(self, samples: Samples) -> Samples:
        """Returns who speaks in samples [S] at 24 kHz, as a vector [H].

        Raises:
            UnsupportedModeError: the model has no speaker encoder.
            ReferenceAudioError: there is too little to hear.
        """
        ...

    def close(self) -> None:
        """Stops the engine and frees its memory; running requests end as cancelled."""
        ...
