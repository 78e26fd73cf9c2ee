"""What Ray Serve costs beside `intone serve`, in turns, and how a rolling update goes under load.

python benchmarks/ray_serve.py RESULT.json; on the CPU, with the voice in the box, in three minutes.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from intone.bench.machine import Machine
from intone.core.version import __version__

PORTS = {"direct": 8_201, "ray": 8_202}
TEXT = "It was late, and nobody had slept. " * 3
BODY = {"input": TEXT, "seed": 3, "response_format": "pcm"}
BYTES_PER_S = 48_000
TURNS, ROUNDS, CALLERS, UPDATES = 30, 4, 4, 3
DIRECT = ("server.insecure=true", "model.slots=4", "queue.running=4", "server.log_level=warning")


def take(client: httpx.Client) -> tuple[float, float, int]:
    """Returns the time to the first byte, to the last (s), and how many there were."""
    begun_s, first_s, size = time.perf_counter(), 0.0, 0
    with client.stream("POST", "/v1/audio/speech", json=BODY) as answer:
        answer.raise_for_status()
        for piece in answer.iter_raw():
            first_s = first_s or time.perf_counter() - begun_s
            size += len(piece)
    return first_s, time.perf_counter() - begun_s, size


def client_of(side: str) -> httpx.Client:
    return httpx.Client(base_url=f"http://127.0.0.1:{PORTS[side]}", timeout=120)


def rate(side: str) -> float:
    """Returns audio seconds per second with some callers at once."""

    def speak(_: int) -> int:
        with client_of(side) as client:
            return sum(take(client)[2] for _ in range(4))

    begun_s = time.perf_counter()
    with ThreadPoolExecutor(CALLERS) as callers:
        size = sum(callers.map(speak, range(CALLERS)))
    return size / BYTES_PER_S / (time.perf_counter() - begun_s)


def turn(number: int) -> list[str]:
    return list(PORTS) if number % 2 else list(PORTS)[::-1]


def overhead() -> dict[str, Any]:
    clients = {side: client_of(side) for side in PORTS}
    for client in clients.values():
        take(client), take(client)
    takes: dict[str, list[tuple[float, float, int]]] = {side: [] for side in PORTS}
    rates: dict[str, list[float]] = {side: [] for side in PORTS}
    for number in range(TURNS):
        for side in turn(number):
            takes[side].append(take(clients[side]))
    for number in range(ROUNDS):
        for side in turn(number):
            rates[side].append(rate(side))
    pairs = list(zip(takes["direct"], takes["ray"], strict=True))
    return {
        "audio_s_per_take": takes["direct"][0][2] / BYTES_PER_S,
        "ttfa_ms": {side: 1e3 * statistics.median(t[0] for t in takes[side]) for side in PORTS},
        "whole_ms": {side: 1e3 * statistics.median(t[1] for t in takes[side]) for side in PORTS},
        "ray_more_ttfa_ms": 1e3 * statistics.median(ray[0] - here[0] for here, ray in pairs),
        "ray_more_whole_ms": 1e3 * statistics.median(ray[1] - here[1] for here, ray in pairs),
        "audio_s_per_s_4_callers": {side: statistics.median(rates[side]) for side in PORTS},
    }


def rolling() -> dict[str, Any]:
    """Updates one replica again and again while callers speak; every answer is compared."""
    with client_of("ray") as client:
        right = client.post("/v1/audio/speech", json=BODY).content
    is_over = threading.Event()

    def speak(_: int) -> list[tuple[bool, float]]:
        heard: list[tuple[bool, float]] = []
        with client_of("ray") as client:
            while not is_over.is_set():
                begun_s = time.perf_counter()
                answer = client.post("/v1/audio/speech", json=BODY)
                is_right = answer.status_code == 200 and answer.content == right
                heard.append((is_right, time.perf_counter() - begun_s))
        return heard

    updates_s = []
    with ThreadPoolExecutor(CALLERS) as callers:
        speaking = [callers.submit(speak, caller) for caller in range(CALLERS)]
        for number in range(UPDATES):
            begun_s = time.perf_counter()
            deploy(waiting=16 + number)
            updates_s.append(time.perf_counter() - begun_s)
        is_over.set()
        heard = [one for caller in speaking for one in caller.result()]
    return {
        "callers": CALLERS,
        "updates_s": updates_s,
        "requests": len(heard),
        "right": sum(is_right for is_right, _ in heard),
        "slowest_s": max(wall_s for _, wall_s in heard),
    }


def deploy(waiting: int) -> None:
    from ray import serve

    from intone.deploy.ray import app

    args = {
        "model": {"default": "builtin", "slots": 4},
        "queue": {"waiting": waiting},
        "server": {"insecure": True, "log_level": "warning"},
        "replica": {"surge_percent": 100},
    }
    serve.run(app(args), name="intone", route_prefix="/")


@contextmanager
def both() -> Iterator[None]:
    """A server of its own process, and a replica; one thread each."""
    import ray
    from ray import serve

    command = [Path(sys.executable).with_name("intone"), "serve", "--preload", "--threads", "1"]
    settings = [word for setting in DIRECT for word in ("--set", setting)]
    model = ["--model", "builtin", "--port", str(PORTS["direct"])]
    direct = subprocess.Popen([*command, *model, *settings])
    try:
        ray.init(num_cpus=3, object_store_memory=80 * 2**20, include_dashboard=False)
        serve.start(http_options={"host": "127.0.0.1", "port": PORTS["ray"]})
        deploy(waiting=8)
        yield
    finally:
        serve.shutdown()
        ray.shutdown()
        direct.terminate()
        direct.wait()


def main() -> None:
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "OMP_NUM_THREADS": "1"}
    import ray

    machine = Machine.here()
    with both():
        figures = {"overhead": overhead(), "rolling_update": rolling()}
    result = {
        "machine": asdict(machine),
        "versions": {"intone": __version__, "ray": ray.__version__},
        "date": datetime.now(UTC).date().isoformat(),
        "load_average_after": round(os.getloadavg()[0], 2),
        **figures,
    }
    Path(sys.argv[1]).write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
