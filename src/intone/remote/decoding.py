"""Bytes of an answer become samples, and its end becomes known: PCM, or events that carry PCM.

No connection, no clock: whoever reads an answer feeds what comes, however it is cut.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol, get_args

import numpy as np

from intone.audio.pcm import PCM16_SCALE
from intone.core.errors import RemoteError
from intone.core.types import FinishReason, Samples
from intone.remote.problems import error_of_event

_MAX_EVENT_BYTES = 32_000_000
"""Of one event without an end; a chunk of 300 frames has 1.5 MB."""


@dataclass(frozen=True, slots=True)
class End:
    """What only the end of an answer knows; None where the server does not tell."""

    finish_reason: FinishReason | None = None
    num_frames: int | None = None


class AnswerDecoder(Protocol):
    """Turns one answer into samples."""

    def feed(self, data: bytes) -> Samples:
        """Returns the samples [S] that bytes complete, maybe none; raises an IntoneError."""
        ...

    def finish(self) -> End:
        """Returns how it ended; raises RemoteError where it is not whole."""
        ...


class PcmDecoder:
    """16-bit little-endian mono. A clean end of the answer is all that tells of the take's."""

    def __init__(self) -> None:
        self._odd = b""
        self._num_samples = 0

    def feed(self, data: bytes) -> Samples:
        """Returns samples in [-1, 1]; half a sample waits for its other half."""
        data = self._odd + data
        end = len(data) - len(data) % 2
        self._odd = data[end:]
        self._num_samples += end // 2
        return np.frombuffer(data[:end], "<i2").astype(np.float32) / np.float32(PCM16_SCALE)

    def finish(self) -> End:
        if self._odd:
            raise RemoteError(
                f"the answer ended in the middle of a sample, after {self._num_samples}; it is "
                "not whole, or not 16-bit PCM. Ask again."
            )
        if not self._num_samples:
            raise RemoteError("the server answered 200 without any audio; look into its log.")
        return End()


class EventDecoder:
    """Events `speech.audio.delta`, `speech.audio.done` and `error`, each with JSON in `data`."""

    def __init__(self) -> None:
        self._pcm = PcmDecoder()
        self._buffer = b""
        self._end: End | None = None

    def feed(self, data: bytes) -> Samples:
        self._buffer += data
        parts = [self._take(event) for event in self._events()]
        return np.concatenate(parts) if parts else np.empty(0, np.float32)

    def finish(self) -> End:
        if self._end is None:
            raise RemoteError(
                "the stream ended before its last event; the take is not whole. Ask again."
            )
        self._pcm.finish()
        return self._end

    def _events(self) -> Iterator[Mapping[str, object]]:
        *whole, self._buffer = self._buffer.replace(b"\r\n", b"\n").split(b"\n\n")
        if len(self._buffer) > _MAX_EVENT_BYTES:
            raise RemoteError(f"an event of the server has more than {_MAX_EVENT_BYTES} bytes.")
        for lines in whole:
            data = [line[5:].strip() for line in lines.split(b"\n") if line.startswith(b"data:")]
            if data:
                yield _parsed(b"\n".join(data))

    def _take(self, event: Mapping[str, object]) -> Samples:
        kind = event.get("type")
        if kind == "speech.audio.delta":
            return self._pcm.feed(_bytes_of(event.get("audio")))
        if kind == "speech.audio.done":
            self._end = end_of(event)
        elif kind == "error":
            raise error_of_event(event)
        return np.empty(0, np.float32)


def _parsed(data: bytes) -> Mapping[str, object]:
    try:
        event = json.loads(data)
    except ValueError as error:
        raise _strange(data) from error
    if not isinstance(event, dict):
        raise _strange(data)
    return event


def _bytes_of(audio: object) -> bytes:
    try:
        return base64.b64decode(str(audio), validate=True)
    except binascii.Error as error:
        raise _strange(str(audio).encode()) from error


def _strange(data: bytes) -> RemoteError:
    return RemoteError(
        f"the server sent an event that is none of the speech API: {data[:80]!r}; check which "
        "server answers, and name its dialect."
    )


def end_of(event: Mapping[str, object]) -> End:
    """Returns what the last event of an answer tells."""
    usage, reason = event.get("usage"), event.get("finish_reason")
    frames = usage.get("output_tokens") if isinstance(usage, dict) else None
    found = next((known for known in get_args(FinishReason) if known == reason), None)
    return End(found, frames if isinstance(frames, int) else None)
