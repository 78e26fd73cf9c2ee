"""The thread that owns a runner. Callers on any thread submit takes and get chunks back.

Frames are made on this thread, audio on the codec's or here in turns; it sleeps while no frame can
be made.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from intone.core.errors import CapacityError, EngineStoppedError
from intone.engine.codec_thread import CodecInTurn, CodecThread
from intone.engine.decoder import AudioDecoder
from intone.engine.loop import DEFAULT_PREFILL_ROWS, DecodeLoop
from intone.engine.runner import Runner
from intone.engine.take import Take


class Engine:
    """Runs the decode loop in a thread of its own until closed, the codec beside it or in turns."""

    def __init__(
        self,
        runner: Runner,
        decoder: AudioDecoder[Any],
        *,
        overlap: bool = True,
        prefill_rows: int = DEFAULT_PREFILL_ROWS,
        max_waiting: int = 256,
    ) -> None:
        """Starts the engine.

        Args:
            overlap: audio is made by a thread of its own while frames go on; otherwise by the
                engine's thread, in turns with them.
            prefill_rows: rows of prompts that may be read between two frames.
            max_waiting: takes beyond the running ones that may queue; more are refused.
        """
        self._runner = runner
        self._max_waiting = max_waiting
        self._wake = threading.Condition()
        self._inbox: deque[Take] = deque()
        self._is_closing = False
        self._failure: BaseException | None = None
        self.overlaps = overlap
        """Whether frames and audio are made at the same time."""
        self._codec = (
            CodecThread(decoder, on_progress=self.look_again) if overlap else CodecInTurn(decoder)
        )
        self._loop = DecodeLoop(runner, self._codec.queue, prefill_rows)
        self._thread = threading.Thread(target=self._run, name="intone-engine", daemon=True)
        self._thread.start()

    def submit(self, take: Take) -> None:
        """Queues a take.

        Raises:
            CapacityError: the queue is full.
            EngineStoppedError: the engine was closed or has failed.
        """
        with self._wake:
            if self._is_closing or self._failure is not None:
                raise self._stopped()
            waiting = len(self._inbox) + self._loop.scheduler.num_waiting
            if waiting >= self._max_waiting:
                raise CapacityError(
                    f"{waiting} requests are waiting already, which is the limit; try again later "
                    "or raise max_waiting."
                )
            self._inbox.append(take)
            self._wake.notify()

    def look_again(self) -> None:
        """Tells the engine's thread that a take can go on, or was cancelled while it waited."""
        with self._wake:
            self._wake.notify()

    def close(self) -> None:
        """Ends every take as cancelled, stops the engine and frees runner and decoder.

        Called from an `emit`, it returns at once: that thread cannot wait for itself.
        """
        with self._wake:
            self._is_closing = True
            self._wake.notify()
        if threading.current_thread() is not self._thread and not self._codec.is_current:
            self._thread.join()

    def _run(self) -> None:
        try:
            while self._take_inbox():
                self._loop.turn()
                self._codec.catch_up()
        except BaseException as error:  # the thread's border: told to every caller
            with self._wake:
                self._failure = error
        finally:
            self._free(self._codec.close)
            self._failure = self._failure or self._codec.failure
            self._end_takes()
            self._free(self._runner.close)

    def _free(self, close: Callable[[], None]) -> None:
        """Notes what closing raises; a device that has failed fails here again."""
        try:
            close()
        except BaseException as error:  # the thread's border, as above
            self._failure = self._failure or error

    def _take_inbox(self) -> bool:
        """Waits for work and moves new takes to the scheduler; returns False when closing.

        Raises:
            BaseException: what ended the codec's thread.
        """
        with self._wake:
            self._wake.wait_for(
                lambda: (
                    self._inbox or self._is_closing or self._codec.failure or self._loop.has_work
                )
            )
            if self._codec.failure is not None:
                raise self._codec.failure
            while self._inbox:
                self._loop.scheduler.add(self._inbox.popleft())
            return not self._is_closing

    def _end_takes(self) -> None:
        """Tells whoever still waits; both threads' work is over, so nothing else is emitted."""
        scheduler = self._loop.scheduler
        with self._wake:
            takes = [*self._codec.queue.drain(), *scheduler.running.values(), *scheduler.waiting]
            takes.extend(self._inbox)
            self._inbox.clear()
        for take in takes:
            if take.is_over:
                continue
            if self._failure is None:
                take.emit_cancelled()
            else:
                take.emit_error(self._stopped())

    def _stopped(self) -> EngineStoppedError:
        if self._failure is None:
            return EngineStoppedError("the engine is closed; make a new TTS to speak again.")
        stopped = EngineStoppedError(
            f"the engine failed: {self._failure!r}; make a new TTS, and report this with its trace."
        )
        stopped.__cause__ = self._failure
        return stopped
