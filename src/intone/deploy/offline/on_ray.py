"""Work spread over a Ray cluster by Ray Data; the only module here that imports Ray.

Items travel in blocks. A worker opens what it needs once; one that dies is replaced and its block
given out again, as often as it takes: work must be of the kind that may be done twice, and whoever
works counts how often. What a worker raises on purpose ends the whole.
"""

from __future__ import annotations

import hashlib
import logging
import os
import pickle
from collections import Counter
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from intone.core.errors import (
    BatchError,
    IntoneError,
    InvalidSettingError,
    MissingDependencyError,
)
from intone.deploy.offline.address import check_address, no_cluster

try:
    import ray
    import ray.data
    from ray.exceptions import RayError
except ModuleNotFoundError as missing:
    raise MissingDependencyError(
        "spreading work over a cluster needs Ray; install intone[ray], on every machine."
    ) from missing

Item = TypeVar("Item")
Result = TypeVar("Result")
Given = TypeVar("Given", contravariant=True)
Made = TypeVar("Made", covariant=True)

_MAX_DEATHS_AT_BIRTH = 3
"""Workers that die one after the other before they have done anything."""
_DEADLY = (
    "a block of work took worker after worker with it; see their logs (memory is the usual "
    "reason), or do the work without a cluster. What is finished is kept."
)


class Worker(Protocol[Given, Made]):
    """Does blocks of work, one after the other."""

    def work(self, items: Sequence[Given]) -> Iterable[Made]:
        """Returns a result for every item, in any order."""
        ...


class WorkerOpening(Protocol[Given, Made]):
    """Opens a worker in a process of its own; it is pickled on the way there."""

    def open(self) -> Worker[Given, Made]:
        """Returns a worker; raises an IntoneError."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """How many workers there shall be, and what each of them has to itself."""

    num_workers: int | None
    """None: as many as the cluster holds now."""
    cpus: int | None = None
    """None: 4, or as many as the smallest machine has."""
    gpus: float | None = None
    """None: one where the cluster has any, else none."""


class RayCluster:
    """A connected cluster, and what each worker gets of it. Made by `cluster`."""

    def __init__(self, share: Share) -> None:
        """Settles the share.

        Raises:
            InvalidSettingError: no machine of the cluster has what one worker needs.
        """
        nodes = [node["Resources"] for node in _nodes() if node["Alive"]]
        total_gpus = sum(node.get("GPU", 0.0) for node in nodes)
        self.num_machines = len(nodes)
        self.gpus = (1.0 if total_gpus else 0.0) if share.gpus is None else share.gpus
        fit = [node for node in nodes if node.get("GPU", 0.0) >= self.gpus]
        most = max((int(node.get("CPU", 0)) for node in fit), default=0)
        least = min((int(node.get("CPU", 0)) for node in fit if node.get("CPU")), default=0)
        self.cpus = max(1, min(4, least)) if share.cpus is None else share.cpus
        if not fit or most < self.cpus:
            raise InvalidSettingError(
                f"a worker shall have {self.cpus} cores and {self.gpus:g} GPUs; no machine of this "
                "cluster has both. Lower --cpus-per-worker or --gpus-per-worker."
            )
        self.room = sum(self._room_of(node) for node in fit)
        self.num_workers = self.room if share.num_workers is None else share.num_workers

    def _room_of(self, node: dict[str, float]) -> int:
        """Returns how many workers a machine holds."""
        by_cpu = int(node.get("CPU", 0) / self.cpus)
        return min(by_cpu, int(node.get("GPU", 0) / self.gpus)) if self.gpus else by_cpu

    def map(
        self,
        opening: WorkerOpening[Item, Result],
        items: Sequence[Item],
        *,
        num_per_block: int,
        max_tries: int | None = None,
    ) -> Generator[Result]:
        """Yields what workers make of all items, in any order; closing it stops them.

        A block that was given out twice may give its results twice.

        Args:
            max_tries: of a block whose workers die; None leaves the counting to them.

        Raises:
            IntoneError: what a worker raised on purpose.
            BatchError: the cluster failed, or a block was tried too often.
        """
        tries = None if max_tries is None else _shared_tries(max_tries)
        num_blocks = -(-len(items) // max(1, num_per_block))
        rows = [{"item": pickle.dumps(item)} for item in items]
        data = ray.data.from_items(rows, override_num_blocks=num_blocks).map_batches(
            _Hand,
            batch_size=None,
            batch_format="numpy",
            compute=ray.data.ActorPoolStrategy(size=self.num_workers),
            fn_constructor_args=(pickle.dumps(opening), tries),
            num_cpus=self.cpus,
            num_gpus=self.gpus or None,
        )
        try:
            for row in data.iter_rows():
                made = pickle.loads(row["made"])
                if isinstance(made, _Refusal):
                    raise made.kind(made.message)
                yield made
        except RayError as error:
            first = str(error).strip().splitlines()[0]
            raise BatchError(
                f"the cluster gave up: {type(error).__name__}: {first}. What is finished is kept; "
                "see Ray's logs, then run the same command again."
            ) from error


@contextmanager
def cluster(address: str | None, share: Share) -> Generator[RayCluster]:
    """Yields a connection to a cluster, which ends with the block, and its workers with it.

    Args:
        address: HOST:PORT; "auto" for that of this machine; "local" for one of its own; None for
            that of RAY_ADDRESS, or of this machine, else one of its own.

    Raises:
        InvalidSettingError: another kind of address, or too little for one worker.
        BatchError: nothing answers there.
    """
    check_address(address)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is told to anybody
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # what matters comes as an exception
    logging.getLogger("ray").setLevel(logging.ERROR)
    try:
        ray.init(
            address=address,
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    except (RayError, ConnectionError, ValueError) as error:
        raise no_cluster(address, error) from error
    try:
        _set_up_data()
        yield RayCluster(share)
    finally:
        ray.shutdown()


def _nodes() -> list[dict[str, Any]]:
    return list(ray.nodes())  # type: ignore[no-untyped-call]


def _set_up_data() -> None:
    """The line of progress is the command's own; Ray's would be drawn over it."""
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.max_consecutive_actor_init_deaths = _MAX_DEATHS_AT_BIRTH
    logging.getLogger("ray.data").setLevel(logging.ERROR)


@dataclass(frozen=True, slots=True)
class _Refusal:
    """What a worker raised on purpose."""

    kind: type[IntoneError]
    message: str


def _shared_tries(most: int) -> Any:
    return ray.remote(num_cpus=0)(_Tries).remote(most)


class _Tries:
    """Counts how often each block was begun, in a process that no worker takes with it."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._begun: Counter[bytes] = Counter()

    def begin(self, block: bytes) -> bool:
        """Returns whether a block may be tried (again)."""
        self._begun[block] += 1
        return self._begun[block] <= self._most


class _Hand:
    """One worker's process. What it raises on purpose goes back as a result, with its class."""

    def __init__(self, opening: bytes, tries: Any) -> None:
        self._tries = tries
        self._worker: Worker[Any, Any] | None = None
        self._refusal: _Refusal | None = None
        try:
            self._worker = pickle.loads(opening).open()
        except IntoneError as error:
            self._refusal = _Refusal(type(error), str(error))

    def __call__(self, block: dict[str, Any]) -> dict[str, list[bytes]]:
        return {"made": [pickle.dumps(one) for one in self._made(block)]}

    def _made(self, block: dict[str, Any]) -> Iterable[object]:
        if self._worker is None:
            return [self._refusal]
        if self._tries is not None and not ray.get(self._tries.begin.remote(_name_of(block))):
            return [_Refusal(BatchError, _DEADLY)]
        items = [pickle.loads(item) for item in block["item"]]
        try:
            return list(self._worker.work(items))
        except IntoneError as error:
            return [_Refusal(type(error), str(error))]


def _name_of(block: dict[str, Any]) -> bytes:
    return hashlib.sha256(b"".join(block["item"])).digest()
