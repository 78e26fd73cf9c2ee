"""Batches spread over processes; each process has its encoders, its threads and its shard.

A process asks for nothing and shares nothing: it gets a batch through a pipe that only its parent
holds the other end of, so it ends by itself when the parent is gone, whatever ended it.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

import torch

from intone.core.errors import IntoneError, TrainError
from intone.train.encoding.encoders import ClipEncoder, EncoderPlace, EncodeWorker, Outcome, Unit
from intone.train.encoding.shards import ShardWriter

Task = Sequence[Unit]

_END_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSetup:
    """What a process is made with."""

    place: EncoderPlace
    shards: Path
    threads: int


def encode_here(setup: WorkerSetup, tasks: Sequence[Task]) -> Iterator[Outcome]:
    """Yields what became of each batch, encoded in this process, with the threads it has."""
    with ShardWriter(setup.shards) as writer:
        worker = EncodeWorker(ClipEncoder(setup.place), writer)
        for task in tasks:
            yield worker.run(task)


def encode_in_processes(
    setup: WorkerSetup, tasks: Sequence[Task], processes: int
) -> Iterator[Outcome]:
    """Yields what became of each batch, in the order in which they are done.

    Raises:
        TrainError: a process died; what was encoded is on the disk.
        IntoneError: what a process raised, for example that its shard cannot be written.
    """
    waiting = list(reversed(tasks))
    with ExitStack() as stack:
        helpers = [stack.enter_context(_Helper(setup)) for _ in range(processes)]
        busy = {helper.connection: helper for helper in helpers if helper.give(waiting)}
        while busy:
            for connection in wait(list(busy)):
                assert isinstance(connection, Connection)
                helper = busy[connection]
                yield helper.take()
                if not helper.give(waiting):
                    del busy[connection]


class _Helper:
    """One process, seen from its parent."""

    def __init__(self, setup: WorkerSetup) -> None:
        context = multiprocessing.get_context("spawn")  # a fork of threads may hang
        self.connection, theirs = context.Pipe()
        self._process: BaseProcess = context.Process(target=_serve, args=(setup, theirs))
        self._process.start()
        theirs.close()  # now the process alone holds it: when it dies, we see the end
        self._task: Task = ()

    def give(self, waiting: list[Task]) -> bool:
        """Hands over the next batch; False where none is left."""
        if not waiting:
            return False
        self._task = waiting.pop()
        try:
            self.connection.send(self._task)
        except OSError as error:
            raise self._death() from error
        return True

    def take(self) -> Outcome:
        """Returns what became of the batch."""
        try:
            answer = self.connection.recv()
        except (EOFError, OSError) as error:
            raise self._death() from error
        if isinstance(answer, IntoneError):
            raise answer
        assert isinstance(answer, Outcome)
        return answer

    def _death(self) -> TrainError:
        self._process.join(_END_S)
        files = ", ".join(unit.source.path.name for unit in self._task[:3])
        return TrainError(
            f"an encoding process died (exit code {self._process.exitcode}) while it had "
            f"{len(self._task)} clips ({files}); all others are kept. Run the command again, with "
            "fewer --processes if memory ran out, or without that clip."
        )

    def __enter__(self) -> _Helper:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.connection.close()
        if kind is not None:  # shards bear it
            self._process.terminate()
        self._process.join()


def _serve(setup: WorkerSetup, connection: Connection) -> None:
    """Runs in the process: one batch after the other, until the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears it, and ends this process
    torch.set_num_threads(setup.threads)
    with ShardWriter(setup.shards) as writer:
        worker = EncodeWorker(ClipEncoder(setup.place), writer)
        try:
            while True:
                connection.send(_answer(worker, connection.recv()))
        except (EOFError, ConnectionError):
            return


def _answer(worker: EncodeWorker, task: Task) -> Outcome | IntoneError:
    try:
        return worker.run(task)
    except IntoneError as error:
        return error
