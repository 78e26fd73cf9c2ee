"""The chunks of a take that a server makes, for a caller's thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Self

import httpx2

from intone.core.types import AudioChunk
from intone.remote.problems import error_of_transport
from intone.remote.taking import IncomingTake


class RemoteStream:
    """The chunks of one request, in order. Closing it early hangs up, which ends the take there."""

    def __init__(
        self,
        response: httpx2.Response,
        take: IncomingTake,
        url: str,
        *,
        on_close: Callable[[], None],
        must_end: Callable[[], bool],
    ) -> None:
        """Begins with an answer that is open; it is closed here.

        Args:
            on_close: called once, when the answer has been closed.
            must_end: whether the connection is to be given up with the next bytes.
        """
        self._response = response
        self._on_close = on_close
        self._must_end = must_end
        self._take = take
        self._url = url
        self._data: Iterator[bytes] = response.iter_bytes()
        self._is_done = False
        self._is_cancelled = False

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> AudioChunk:
        if self._is_done:
            raise StopIteration
        try:
            chunk = self._next()
        except BaseException:
            self.close()
            raise
        if chunk.is_last:
            self.close()
        return chunk

    def _next(self) -> AudioChunk:
        try:
            while not (self._is_cancelled or self._must_end()):
                data = next(self._data, None)
                if data is None:
                    return self._take.finish()
                chunk = self._take.feed(data)
                if chunk is not None:
                    return chunk
        except httpx2.TransportError as error:
            raise error_of_transport(error, self._url, self._take.heard_s) from error
        return self._take.cancelled()

    def cancel(self) -> None:
        """Asks for the end: the next chunk is the last one and says "cancelled"."""
        self._is_cancelled = True

    def close(self) -> None:
        """Hangs up unless the take is over; nothing more is yielded."""
        if not self._is_done:
            self._is_done = True
            try:
                self._response.close()
            finally:
                self._on_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()
