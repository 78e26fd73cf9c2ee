"""The thread that owns a runner. Callers on any thread submit takes and get chunks back."""

from __future__ import annotations

import threading
from collections import deque

from intone.core.errors import CapacityError, EngineStoppedError
from intone.engine.loop import DecodeLoop
from intone.engine.runner import Runner
from intone.engine.take import Take


class Engine:
    """Runs the decode loop in a thread of its own until closed."""

    def __init__(self, runner: Runner, *, max_waiting: int = 256) -> None:
        """Starts the thread.

        Args:
            max_waiting: takes beyond the running ones that may queue; more are refused.
        """
        self._runner = runner
        self._loop = DecodeLoop(runner)
        self._max_waiting = max_waiting
        self._wake = threading.Condition()
        self._inbox: deque[Take] = deque()
        self._is_closing = False
        self._failure: BaseException | None = None
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

    def close(self) -> None:
        """Ends every take as cancelled, stops the thread and frees the runner."""
        with self._wake:
            self._is_closing = True
            self._wake.notify()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        try:
            while self._take_inbox():
                self._loop.turn()
            self._cancel_everything()
        except BaseException as error:  # the thread's border: told to every caller
            self._fail(error)
        finally:
            self._runner.close()

    def _take_inbox(self) -> bool:
        """Waits for work and moves new takes to the scheduler; returns False when closing."""
        with self._wake:
            self._wake.wait_for(
                lambda: self._inbox or self._is_closing or not self._loop.scheduler.is_idle
            )
            while self._inbox:
                self._loop.scheduler.add(self._inbox.popleft())
            return not self._is_closing

    def _cancel_everything(self) -> None:
        scheduler = self._loop.scheduler
        while not scheduler.is_idle:
            for take in [*scheduler.running.values(), *scheduler.waiting]:
                take.cancel()
            self._loop.turn()

    def _fail(self, error: BaseException) -> None:
        with self._wake:
            self._failure = error
            takes = [*self._loop.scheduler.running.values(), *self._loop.scheduler.waiting]
            takes.extend(self._inbox)
            self._inbox.clear()
        for take in takes:
            take.emit(self._stopped())

    def _stopped(self) -> EngineStoppedError:
        if self._failure is None:
            return EngineStoppedError("the engine is closed; make a new TTS to speak again.")
        stopped = EngineStoppedError(
            f"the engine failed: {self._failure!r}; make a new TTS, and report this with its trace."
        )
        stopped.__cause__ = self._failure
        return stopped
