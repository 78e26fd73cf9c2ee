"""A set on this machine: as many rows at once as one engine has slots."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from intone.deploy.offline.planned import PlannedRow
from intone.deploy.offline.speaking import RowOutcome, RowSpeaker


class HandsHere:
    """Threads that share one synthesizer."""

    def __init__(self, speaker: RowSpeaker, *, num_at_once: int, stop: Callable[[], None]) -> None:
        """Takes what makes a row.

        Args:
            num_at_once: slots of the engine; as many rows are kept in flight.
            stop: ends running takes; called when the work is left in the middle.
        """
        self._speaker = speaker
        self._num_at_once = num_at_once
        self._stop = stop

    def speak(self, rows: Sequence[PlannedRow]) -> Generator[RowOutcome]:
        """Yields rows as they are finished; see `run.Hands`."""
        with ThreadPoolExecutor(self._num_at_once, thread_name_prefix="intone-row") as threads:
            try:
                yield from self._outcomes(rows, threads)
            except BaseException:  # Ctrl-C and a caller who leaves, too: takes end within a frame
                self._stop()
                threads.shutdown(wait=False, cancel_futures=True)
                raise

    def _outcomes(
        self, rows: Sequence[PlannedRow], threads: ThreadPoolExecutor
    ) -> Generator[RowOutcome]:
        """Keeps one row more than there are slots in flight, so that no slot waits for a file."""
        running: set[Future[RowOutcome]] = set()
        for planned in rows:
            running.add(threads.submit(self._speaker.speak, planned))
            if len(running) > self._num_at_once:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in done)
