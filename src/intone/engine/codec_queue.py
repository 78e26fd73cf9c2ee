"""Frames that wait to become audio, and the one place where they do.

The engine's thread puts in, the codec's thread works; a take's chunks leave in order. Among takes,
the one whose last turn is longest ago comes first, so that a new take's first chunk waits for one
chunk of every other and not for all that they have waiting. Takes whose next chunks are of one size
share a call of the decoder.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from intone.core.errors import IntoneError
from intone.core.types import Codes, FinishReason, Samples
from intone.engine.decoder import AudioDecoder, AudioStream
from intone.engine.held import NO_SAMPLES
from intone.engine.take import Take

MAX_BATCH_FRAMES = 32
"""Frames in one call for several takes; more are hardly cheaper, and all wait for the last."""


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    """One chunk to be."""

    codes: Codes | None
    """[F, K]; None in a last chunk that only says how the take ended."""
    finish_reason: FinishReason | None

    @property
    def num_frames(self) -> int:
        return 0 if self.codes is None else len(self.codes)


@dataclass(slots=True, eq=False)
class _Line:
    """One take on its way through the codec."""

    take: Take
    stream: AudioStream | None = None
    """None until the decoder has opened it."""
    jobs: deque[_Job] = field(default_factory=deque)
    error: IntoneError | None = None
    """Set by the engine's thread: no frames will come."""

    @property
    def is_doomed(self) -> bool:
        return self.take.is_cancelled or self.error is not None

    @property
    def has_work(self) -> bool:
        return self.stream is None or bool(self.jobs)


class CodecQueue:
    """Lines of takes; who works them off, and on which thread, is not known here."""

    def __init__(self, decoder: AudioDecoder[Any]) -> None:
        self._decoder = decoder
        self._changed = threading.Condition()
        self._lines: dict[Take, _Line] = {}
        """The take whose last turn is longest ago first."""
        self._is_closed = False

    @property
    def num_takes(self) -> int:
        """Takes that are not over yet, those whose frames are all made included."""
        with self._changed:
            return len(self._lines)

    def open(self, take: Take) -> None:
        """Starts a take's line; its stream is opened, and warmed, as its first work."""
        with self._changed:
            self._lines[take] = _Line(take)
            self._changed.notify()

    def put(self, take: Take, codes: Codes | None, finish_reason: FinishReason | None) -> None:
        """Appends the next frames [F, K]; those of a take that is over already are not wanted."""
        with self._changed:
            if take in self._lines:
                self._lines[take].jobs.append(_Job(codes, finish_reason))
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
        """Ends the takes that were cancelled or failed, then does one call of the decoder."""
        self._end_doomed()
        batch = self._next_batch()
        if batch and batch[0].stream is None:
            self._open(batch[0])
        elif batch:
            self._decode(batch)

    def _end_doomed(self) -> None:
        with self._changed:
            doomed = [line for line in self._lines.values() if line.is_doomed]
        for line in doomed:
            self._end(line)
            if line.error is not None:
                line.take.emit_error(line.error)
            else:
                line.take.emit_cancelled()

    def _next_batch(self) -> list[_Line]:
        """Returns a line to open, or lines whose next chunks are of one size; these go last now."""
        with self._changed:
            lines = [line for line in self._lines.values() if line.has_work]
            if not lines or lines[0].stream is None:
                return lines[:1]
            num_frames = lines[0].jobs[0].num_frames
            same = [
                line
                for line in lines
                if line.stream is not None and line.jobs[0].num_frames == num_frames
            ]
            batch = same[: max(1, MAX_BATCH_FRAMES // max(1, num_frames))]
            for line in batch:
                self._lines[line.take] = self._lines.pop(line.take)
            return batch

    def _open(self, line: _Line) -> None:
        try:
            line.stream = self._decoder.open(line.take.job.prompt.ref_codes)
        except IntoneError as error:  # this take alone is at fault
            self._end(line)
            line.take.emit_error(error)

    def _decode(self, batch: Sequence[_Line]) -> None:
        jobs = [line.jobs.popleft() for line in batch]
        for line, job, samples in zip(batch, jobs, self._samples(batch, jobs), strict=True):
            if isinstance(samples, IntoneError):
                self._end(line)
                line.take.emit_error(samples)
            else:
                self._pass_on(line, job, samples)

    def _pass_on(self, line: _Line, job: _Job, samples: Samples) -> None:
        """Sends what the take lets out; its guard may end it here, whatever is still waiting."""
        outgoing = line.take.hear(job.codes, samples, job.finish_reason)
        if outgoing is None:
            return
        if outgoing.finish_reason is not None:
            self._end(line)
        line.take.send(outgoing)

    def _samples(
        self, lines: Sequence[_Line], jobs: Sequence[_Job]
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

    def _end(self, line: _Line) -> None:
        """Forgets a line and its stream; before its last item goes out, so that room is free."""
        with self._changed:
            del self._lines[line.take]
