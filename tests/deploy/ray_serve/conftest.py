"""A fleet on this machine: a cluster of two nodes, two replicas of the voice in the box, one of a
tiny checkpoint, keys, and requests led by model."""

from __future__ import annotations

import socket
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from intone.core.types import ModelKind
from intone.server.admission import NO_LIMITS
from intone.server.keys import KeyFile

STORE_BYTES = 80 * 2**20
CLUSTER_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH": "intone.deploy.ray.by_model:layers",
    "RAY_SERVE_PROXY_PREFER_LOCAL_NODE_ROUTING": "0",
    "RAY_SERVE_LOG_TO_STDERR": "0",
    "OMP_NUM_THREADS": "1",
}
DEPLOYED_S = 90.0


@dataclass(frozen=True)
class Fleet:
    """Where the proxies listen, and what opens them."""

    address: str
    key: str
    keys_file: Path

    def client(self, timeout_s: float = 60.0) -> httpx.Client:
        headers = {"authorization": f"Bearer {self.key}"}
        return httpx.Client(base_url=self.address, headers=headers, timeout=timeout_s)

    def deploy(self, name: str, prefix: str, args: Mapping[str, Any]) -> None:
        """Deploys an application, or changes it; returns when that is done."""
        from ray import serve

        from intone.deploy.ray import app

        server = {"keys_file": str(self.keys_file), "log_level": "warning"}
        common = {"server": server | {"drain_timeout_s": 120.0}}
        serve.run(app({**common, **args}), name=name, route_prefix=prefix)


def builtin_args(waiting: int = 64) -> dict[str, Any]:
    return {
        "model": {"default": "builtin", "slots": 4},
        "queue": {"waiting": waiting},
        "replica": {"num_cpus": 1, "min_replicas": 2, "max_replicas": 2, "surge_percent": 50},
    }


def tiny_args(checkpoint: Path) -> dict[str, Any]:
    """One replica that speaks one take at once, of many frames, and lets two wait."""
    return {
        "model": {"default": str(checkpoint), "slots": 1},
        "queue": {"waiting": 2},
        "replica": {"num_cpus": 1},
    }


@pytest.fixture(scope="module")
def fleet(
    tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: Callable[[ModelKind], Path]
) -> Iterator[Fleet]:
    """Deploys it once for a module; nothing of it is left afterwards."""
    keys_file = tmp_path_factory.mktemp("keys") / "keys.json"
    key = KeyFile(keys_file).add("tester", NO_LIMITS)
    with pytest.MonkeyPatch.context() as environment:
        for name, value in CLUSTER_ENVIRONMENT.items():
            environment.setenv(name, value)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # Ray's, while it is imported
            import ray
            from ray import serve
            from ray.cluster_utils import Cluster

        node = {"num_cpus": 3, "object_store_memory": STORE_BYTES, "include_dashboard": False}
        cluster = Cluster(initialize_head=True, head_node_args=node)
        try:
            cluster.add_node(num_cpus=3, object_store_memory=STORE_BYTES)
            ray.init(address=cluster.address, log_to_driver=False, logging_level="error")
            port = _free_port()
            serve.start(proxy_location="HeadOnly", http_options={"host": "127.0.0.1", "port": port})
            made = Fleet(f"http://127.0.0.1:{port}", key, keys_file)
            made.deploy("builtin", "/", builtin_args())
            made.deploy("tiny", "/tiny-custom", tiny_args(tiny_checkpoint("custom")))
            yield made
        finally:
            serve.shutdown()
            ray.shutdown()
            cluster.shutdown()


def replica_actors(application: str) -> list[str]:
    """Returns the names of an application's replicas that are alive."""
    from ray.util import list_named_actors

    names = [actor["name"] for actor in list_named_actors(all_namespaces=True)]
    return [name for name in names if name.startswith(f"SERVE_REPLICA::{application}#")]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
