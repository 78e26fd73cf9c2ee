"""Options of commands that can spread their work over a Ray cluster, and what they become."""

from __future__ import annotations

import argparse
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from intone.cli.telling import tell
from intone.core.errors import InvalidSettingError

if TYPE_CHECKING:
    from intone.deploy.offline.on_ray import RayCluster

_ONLY_WITH_RAY = ("workers", "cpus_per_worker", "gpus_per_worker")


def add_ray(parser: argparse.ArgumentParser, what: str) -> None:
    """Adds where the work is done; `what` is made there: rows, pieces."""
    group = parser.add_argument_group("cluster (needs intone[ray])")
    group.add_argument(
        "--ray",
        nargs="?",
        const="",
        metavar="ADDRESS",
        help=f"make {what} on a Ray cluster: HOST:PORT, auto or local (default: that of "
        "RAY_ADDRESS or of this machine, else one for this command alone)",
    )
    group.add_argument(
        "--workers", type=int, metavar="N", help="processes with a model each (default: what fits)"
    )
    group.add_argument(
        "--cpus-per-worker",
        type=int,
        metavar="N",
        help="cores of each (default: 4, or all of the smallest machine)",
    )
    group.add_argument(
        "--gpus-per-worker",
        type=float,
        metavar="X",
        help="GPUs of each (default: 1 where the cluster has any, else 0)",
    )


def check_ray(args: argparse.Namespace) -> None:
    """Raises InvalidSettingError for options that mean nothing, or nothing sensible."""
    if args.ray is not None and args.server is not None:
        raise InvalidSettingError(
            f"--ray speaks on a cluster, and --server {args.server} speaks itself; give one of "
            "them. A fleet behind a server is spread already."
        )
    for name in _ONLY_WITH_RAY:
        value, option = getattr(args, name), f"--{name.replace('_', '-')}"
        if value is not None and args.ray is None:
            raise InvalidSettingError(f"{option} is about a cluster; give --ray too, or leave it.")
        least = 0 if name == "gpus_per_worker" else 1
        if value is not None and value < least:
            raise InvalidSettingError(f"{option} is {value}; allowed: {least} or more.")


def tell_workers(cluster: RayCluster) -> None:
    """Prints how the work is spread."""
    gpus = f", {cluster.gpus:g} GPUs" if cluster.gpus else ""
    tell(
        f"{cluster.num_workers} workers of {cluster.cpus} cores{gpus} each, on a cluster of "
        f"{cluster.num_machines} machines that has room for {cluster.room}"
    )


@contextmanager
def open_cluster(args: argparse.Namespace) -> Generator[RayCluster]:
    """Yields the cluster that the options name.

    Raises:
        MissingDependencyError: Ray is not installed.
        InvalidSettingError, BatchError: as `on_ray.cluster` does.
    """
    from intone.deploy.offline import on_ray

    share = on_ray.Share(
        num_workers=args.workers,
        cpus=args.cpus_per_worker,
        gpus=0.0 if args.device == "cpu" and args.gpus_per_worker is None else args.gpus_per_worker,
    )
    with on_ray.cluster(args.ray or None, share) as cluster:
        yield cluster
