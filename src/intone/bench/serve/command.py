"""`intone bench serve`: arguments in, table and JSON out."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from intone.core.errors import InvalidSettingError

if TYPE_CHECKING:
    from intone.bench.serve.load import Target
    from intone.bench.serve.report import Level

_DEFAULT_MODEL = "builtin"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `intone bench serve` to a parser."""
    parser.add_argument(
        "--url", help="server with OpenAI's speech route (default: one of ours is started)"
    )
    parser.add_argument("--key", help="API key of that server")
    parser.add_argument("--model", help=f"model to ask for (default: {_DEFAULT_MODEL})")
    parser.add_argument("--voice", help="voice to ask for (default: the model's first)")
    parser.add_argument(
        "--no-seed", action="store_true", help="send no seed: OpenAI's own fields only"
    )
    parser.add_argument(
        "--rates",
        type=float,
        nargs="+",
        default=[0.5, 1.0, 2.0],
        help="requests per second, one level each (default: 0.5 1 2)",
    )
    parser.add_argument(
        "--duration", type=float, default=30.0, help="seconds of arrivals per level (default: 30)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the arrivals (default: 0)")
    parser.add_argument("--json", type=Path, help="also write the report here")


def run(args: argparse.Namespace) -> int:
    """Loads a server at every rate, prints the table, and returns the exit code.

    Raises:
        IntoneError: a setting cannot be used, or there is no server that speaks.
    """
    from datetime import UTC, datetime

    from intone.bench.machine import Machine
    from intone.bench.serve.report import LoadReport

    _check(args)
    machine = Machine.here()
    with _target(args) as target:
        levels = tuple(_measure(target, rate_hz, args) for rate_hz in args.rates)
    report = LoadReport(
        server=args.url or "intone serve, started for this",
        body=target.body,
        machine=machine,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        levels=levels,
    )
    print(report)
    if args.json is not None:
        report.save(args.json)
    return 0


def _measure(target: Target, rate_hz: float, args: argparse.Namespace) -> Level:
    import asyncio
    from time import perf_counter

    from intone.bench.serve.arrivals import TEXTS, Arrival, poisson_arrivals
    from intone.bench.serve.load import check, load
    from intone.bench.serve.report import level_of

    arrivals = poisson_arrivals(rate_hz, args.duration, args.seed)
    asyncio.run(check(target, Arrival(0.0, TEXTS[0], 0)))
    started_s = perf_counter()
    answers = asyncio.run(load(target, arrivals))
    return level_of(rate_hz, args.duration, args.seed, answers, perf_counter() - started_s)


@contextmanager
def _target(args: argparse.Namespace) -> Iterator[Target]:
    from intone.bench.serve.load import Target
    from intone.bench.serve.own_server import own_server

    body: dict[str, Any] = {
        "model": args.model or _DEFAULT_MODEL,
        "response_format": "pcm",
        **({} if args.voice is None else {"voice": args.voice}),
    }
    if args.url is not None:
        url = args.url.rstrip("/").removesuffix("/v1")
        yield Target(url=url, body=body, key=args.key, sends_seed=not args.no_seed)
        return
    with own_server(body["model"]) as url:
        yield Target(url=url, body=body, sends_seed=not args.no_seed)


def _check(args: argparse.Namespace) -> None:
    if any(rate_hz <= 0 for rate_hz in args.rates):
        raise InvalidSettingError(f"--rates is {args.rates}; allowed: more than 0.")
    if args.duration <= 0:
        raise InvalidSettingError(f"--duration is {args.duration}; allowed: more than 0 seconds.")
    if args.url is not None and not args.url.startswith(("http://", "https://")):
        raise InvalidSettingError(
            f"--url is {args.url!r}; allowed: http://HOST:PORT or https://HOST."
        )
