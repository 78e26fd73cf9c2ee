"""Runs the soak, judges it, and writes what was found; the exit code is 1 where anything failed."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from datetime import date
from pathlib import Path

import httpx2
from benchmarks.soak.actions import ACTIONS, Action, Soak
from benchmarks.soak.judging import judged

from intone.bench.machine import Machine
from intone.bench.memory import ProcessMemory

_LOOK_S = 5.0
_SETTLE_S = 4.0


def main() -> int:
    """Starts a server, uses it, stops it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--rate", type=float, default=1.0, help="actions per second, on average")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--clip", type=Path, required=True, help="6 s of speech for voices")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="intone-soak-") as directory:
        report = soak_in(Path(directory), args)
    print(json.dumps({k: v for k, v in report.items() if k != "memory_mb"}, indent=1))
    if args.json:
        args.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 1 if report["problems"] else 0


def soak_in(folder: Path, args: argparse.Namespace) -> dict[str, object]:
    """Returns the report of a soak whose server keeps all its state in a folder."""
    variables = _variables(folder)
    command = [sys.executable, "-m", "intone"]
    made = subprocess.run(
        [*command, "keys", "add", "soak"], env=variables, check=True, capture_output=True, text=True
    )
    key = next(word for word in made.stdout.split() if word.startswith("intone_"))
    port = _free_port()
    log = folder / "server.log"
    with log.open("w") as out:
        server = subprocess.Popen(
            [*command, "serve", "--port", str(port)], env=variables, stdout=out, stderr=out
        )
        try:
            url = f"http://127.0.0.1:{port}"
            soak, memory, metrics, wall_s = asyncio.run(use(url, key, server.pid, args))
            server.send_signal(signal.SIGTERM)
            code = server.wait(60)
        finally:
            server.kill()
    figures = judged(soak, memory, metrics, log.read_text(encoding="utf-8"), code)
    return {
        "what": "intone serve with the built-in voice under mixed use",
        "date": date.today().isoformat(),
        "machine": asdict(Machine.here()),
        "minutes": round(wall_s / 60, 2),
        "rate_hz": args.rate,
        "seed": args.seed,
        **figures,
        "memory_mb": [(round(at_s), round(mb, 1)) for at_s, mb in memory],
    }


async def use(
    url: str, key: str, pid: int, args: argparse.Namespace
) -> tuple[Soak, list[tuple[float, float]], str, float]:
    """Returns what was seen, memory over time, the figures at the end, and how long it took."""
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=20)
    async with httpx2.AsyncClient(timeout=120, limits=limits) as client:
        soak = Soak(url, key, client, args.clip.read_bytes(), random.Random(args.seed))
        await _until_ready(soak)
        for action in ACTIONS:  # what is loaded once is loaded now
            await _tried(action, soak)
        memory: list[tuple[float, float]] = []
        watching = asyncio.create_task(_watch(pid, memory))
        started_s = time.monotonic()
        async with asyncio.TaskGroup() as users:
            while time.monotonic() < started_s + 60 * args.minutes:
                (action,) = soak.rng.choices(list(ACTIONS), list(ACTIONS.values()))
                users.create_task(_tried(action, soak))
                await asyncio.sleep(soak.rng.expovariate(args.rate))
        wall_s = time.monotonic() - started_s
        watching.cancel()
        await asyncio.sleep(_SETTLE_S)
        answer = await soak.ask("GET", "/metrics", 200)
        assert answer is not None
        return soak, memory, answer.text, wall_s


async def _tried(action: Action, soak: Soak) -> None:
    soak.counts[action.__name__] = soak.counts.get(action.__name__, 0) + 1
    try:
        await action(soak)
    except Exception as error:  # one user's bad luck is noted, and the others go on
        soak.problems.append(f"{action.__name__}: {error!r}")


async def _until_ready(soak: Soak) -> None:
    for _ in range(600):
        try:
            if (await soak.client.get(f"{soak.url}/readyz")).status_code == 200:
                return
        except httpx2.TransportError:
            pass
        await asyncio.sleep(0.1)
    raise SystemExit("the server did not become ready")


async def _watch(pid: int, memory: list[tuple[float, float]]) -> None:
    started_s = time.monotonic()
    while True:
        found = ProcessMemory.of(pid)
        if found is not None and found.rss_mb is not None:
            memory.append((time.monotonic() - started_s, found.rss_mb))
        await asyncio.sleep(_LOOK_S)


def _variables(folder: Path) -> dict[str, str]:
    places = {
        name: str(folder / name.lower())
        for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "INTONE_VOICES_DIR")
    }
    settings = {"INTONE_MODEL__DEFAULT": "builtin", "INTONE_MODEL__PRELOAD": "true"}
    return {**os.environ, **places, **settings}


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
