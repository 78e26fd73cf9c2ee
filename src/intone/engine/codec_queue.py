"""Frames that wait to become audio, and the one place where they do.

The engine's thread puts in, the codec's thread works; a take's chunks leave in order. Among takes,
those come first whose listeners would run dry soonest, see `codec_order`: a new take's first chunk
does not wait for all that others have waiting. Takes whose next chunks are of one size share a call
of the decoder. Where many takes wait, chunks of one take that wait side by side become one: fewer
and larger calls, whose audio is the same.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

from intone.core.errors import IntoneError
from intone.core.types import Codes, FinishReason, Samples
from intone.engine.codec_line import Job, Line
from intone.engine.codec_order import in_order
from intone.engine.decoder import AudioDecoder
from intone.engine.held import NO_SAMPLES
from intone.engine.take import Take

CROWD_LINES = 4
"""From so many takes with waiting chunks on, those of one take may be joined."""


class CodecQueue:
    """Lines of takes; who works them off, and on which thread, is not known here."""

    def __init__(
        self, decoder: AudioDecoder[Any], clock: Callable[[], float] = perf_counter
    ) -> None:
        """Starts empty.

        Args:
            clock: seconds, from any start; listeners hear a second of audio in one.
        """
        self._decoder = decoder
        self._clock = clock
        self._changed = threading.Condition()
        self._lines: dict[Take, Line] = {}
        """The oldest take first."""
        self._is_closed = False

    @property
    def num_takes(self) -> int:
        """Takes that are not over yet, those whose frames are all made included."""
        with self._changed:
            return len(self._lines)

    def open(self, take: Take) -> None:
        """Starts a take's line; its stream is opened, and warmed, as its first work."""
        with self._changed:
            self._lines[take] = Line(take)
            self._changed.notify()

    def put(self, take: Take, codes: Codes | None, finish_reason: FinishReason | None) -> None:
        """Appends the next frames [F, K]; those of a take that is over already are not wanted."""
        with self._changed:
            if take in self._lines:
                self._lines[take].jobs.append(Job(codes, finish_reason))
                self._changed.notify()

    def fail(self, take: Take, error: IntoneError) -> None:
        """Ends an opened take with an error of its own."""
        with self._changed:
            if take in self._lines:  # else it was cancelled meanwhile, and is over
                self._lines[take].error = error
                self._changed.notify()

    def look_again(self) -> None:
        """Tells the worker that a take was cancelled."""
        with self._changed:
            self._changed.notify()

    def close(self) -> None:
        """Ends the worker's waiting; what is in work is finished, the rest stays."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()

    def drain(self) -> list[Take]:
        """Forgets every line and stream, and returns the takes, to be told by the caller."""
        with self._changed:
            takes = list(self._lines)
            self._lines.clear()
            return takes

    def wait(self) -> bool:
        """Returns True as soon as there is something to do, False when closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_closed or self.has_work)
            return not self._is_closed

    @property
    def has_work(self) -> bool:
        """Whether a turn would do anything."""
        with self._changed:
            return any(line.is_doomed or line.has_work for line in self._lines.values())

    def turn(self) -> None:
        """Ends the takes that were cancelled or failed, then opens streams or makes audio.

        One turn opens what costs nothing to open, or hears one reference, or does one call.
        """
        self._end_doomed()
        lines, jobs = self._next()
        if jobs:
            self._decode(lines, jobs)
            return
        for line in lines:
            self._open(line)

    def _next(self) -> tuple[Sequence[Line], Sequence[Job]]:
        """Returns whose turn it is, see `_choose`, and notes who was passed over."""
        with self._changed:
            waiting = [line for line in self._lines.values() if line.has_work]
            lines, jobs = self._choose(in_order(waiting, self._clock()))
            for line in set(waiting) - set(lines):
                line.num_passed += 1
            for line in lines if jobs else ():
                line.num_passed = 0
            return lines, jobs

    def _end_doomed(self) -> None:
        with self._changed:
            doomed = [line for line in self._lines.values() if line.is_doomed]
        for line in doomed:
            self._end(line)
            if line.error is not None:
                line.take.emit_error(line.error)
            else:
                line.take.emit_cancelled()

    def _choose(self, lines: Sequence[Line]) -> tuple[Sequence[Line], Sequence[Job]]:
        """Returns lines to open; or lines, with the chunk of each, of one size, that was taken out.

        Args:
            lines: those with work, in their order.
        """
        if not lines:
            return [], []
        if lines[0].stream is None:
            unopened = [line for line in lines if line.stream is None and not line.has_reference]
            return (lines[:1] if lines[0].has_reference else unopened), []
        ready = [line for line in lines if line.stream is not None]
        most_joined = self._decoder.max_joined_frames if len(ready) >= CROWD_LINES else 0
        parts = [line.next_jobs(most_joined) for line in ready]
        sizes = [sum(job.num_frames for job in part) for part in parts]
        most = max(1, self._decoder.max_call_frames // max(1, sizes[0]))
        same = [i for i, size in enumerate(sizes) if size == sizes[0]][:most]
        return [ready[i] for i in same], [ready[i].take_out(len(parts[i])) for i in same]

    def _open(self, line: Line) -> None:
        try:
            line.stream = self._decoder.open(line.take.job.prompt.ref_codes)
        except IntoneError as error:  # this take alone is at fault
            self._end(line)
            line.take.emit_error(error)

    def _decode(self, lines: Sequence[Line], jobs: Sequence[Job]) -> None:
        for line, job, samples in zip(lines, jobs, self._samples(lines, jobs), strict=True):
            if isinstance(samples, IntoneError):
                self._end(line)
                line.take.emit_error(samples)
            else:
                self._pass_on(line, job, samples)

    def _pass_on(self, line: Line, job: Job, samples: Samples) -> None:
        """Sends what the take lets out; its guard may end it here, whatever is still waiting."""
        outgoing = line.take.hear(job.codes, samples, job.finish_reason)
        if outgoing is None:
            return
        if outgoing.finish_reason is not None:
            self._end(line)
        line.take.send(outgoing)
        line.sent(outgoing.num_frames, self._clock())

    def _samples(
        self, lines: Sequence[Line], jobs: Sequence[Job]
    ) -> Sequence[Samples | IntoneError]:
        """Returns the audio of each job, or the error that it alone is at fault for."""
        codes = [job.codes for job in jobs if job.codes is not None]
        if not codes:
            return [NO_SAMPLES] * len(jobs)
        try:
            return self._decoder.decode([line.stream for line in lines], codes)
        except IntoneError as error:
            if len(jobs) == 1:
                return [error]
        # The streams are as they were: one by one shows whose fault it is.
        return [self._samples([line], [job])[0] for line, job in zip(lines, jobs, strict=True)]

    def _end(self, line: Line) -> None:
        """Forgets a line and its stream; before its last item goes out, so that room is free."""
        if line.stream is not None:
            self._decoder.release(line.stream)
        with self._changed:
            del self._lines[line.take]
