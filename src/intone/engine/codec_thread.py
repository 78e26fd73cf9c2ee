"""Who works a `CodecQueue` off: a thread beside the frame loop, or the loop itself, in turns.

The frame loop waits for memory and the codec for arithmetic. Where memory is quick, or cores are
many, both go on at once. Where two cores together read memory much faster than one, each in turn
has both.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from intone.engine.codec_queue import CodecQueue
from intone.engine.decoder import AudioDecoder


class CodecThread:
    """Works off a `CodecQueue` until closed or failed."""

    def __init__(self, decoder: AudioDecoder[Any], on_progress: Callable[[], None]) -> None:
        """Starts the thread.

        Args:
            on_progress: called from this thread after each call of the decoder, and when it failed.
        """
        self.queue = CodecQueue(decoder)
        self.failure: BaseException | None = None
        """What ended the thread, if it was no IntoneError; nothing becomes audio any more."""
        self._decoder = decoder
        self._on_progress = on_progress
        self._thread = threading.Thread(target=self._run, name="intone-codec", daemon=True)
        self._thread.start()

    @property
    def is_current(self) -> bool:
        """Whether the caller runs on this thread, as an `emit` does."""
        return threading.current_thread() is self._thread

    def catch_up(self) -> None:
        """Nothing to do for the engine's thread: this one is at it."""

    def close(self) -> None:
        """Ends the thread after the work in hand and frees the decoder; takes are not told."""
        self.queue.close()
        self._thread.join()

    def _run(self) -> None:
        try:
            while self.queue.wait():
                self.queue.turn()
                self._on_progress()
        except BaseException as error:  # the thread's border: the engine tells every caller
            self.failure = error
            self._on_progress()
        finally:
            self._free_decoder()

    def _free_decoder(self) -> None:
        """Notes what closing raises; a device that has failed fails here again."""
        try:
            self._decoder.close()
        except BaseException as error:  # the thread's border, as above
            self.failure = self.failure or error


class CodecInTurn:
    """Works off a `CodecQueue` on the engine's thread, between two frames."""

    failure: BaseException | None = None
    """Never set: what a decoder raises ends the engine's own turn."""
    is_current = False
    """An `emit` runs on the engine's thread, which knows itself."""

    def __init__(self, decoder: AudioDecoder[Any]) -> None:
        self.queue = CodecQueue(decoder)
        self._decoder = decoder

    def catch_up(self) -> None:
        """Makes audio of everything that waits for it."""
        while self.queue.has_work:
            self.queue.turn()

    def close(self) -> None:
        """Frees the decoder; takes are not told."""
        self.queue.close()
        self._decoder.close()
