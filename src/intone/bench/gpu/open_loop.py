"""The real server under requests that do not wait for each other, heard by players."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from intone.bench.gpu.timing import Budget
from intone.bench.serve.arrivals import TEXTS, Arrival, poisson_arrivals
from intone.bench.serve.load import Target, check, load
from intone.bench.serve.own_server import own_server
from intone.bench.serve.report import Level, level_of

RATES_HZ = (1.0, 6.0, 10.0, 20.0)
REQUEST_FRAMES = 52
"""At most: 4.16 s, the mean of Seed-TTS EN (23.454 audio s/s at 5.635 requests/s, sglang-omni PR
#1635). Random weights may end a take before."""
_SEED = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLoopSize:
    """How much is measured."""

    rates_hz: Sequence[float]
    max_duration_s: float
    """Of arrivals, per rate; less where the time does not allow it."""
    num_frames: int = REQUEST_FRAMES


def measure_open_loop(
    directory: Path, settings: Mapping[str, str], size: OpenLoopSize, budget: Budget
) -> list[Level]:
    """Starts a server with the model and returns a level for each rate that there was time for.

    Args:
        settings: INTONE_... of the server: device, precision, slots.

    Raises:
        BenchError: the server did not start or does not speak.
    """
    body = {"response_format": "pcm", "max_frames": size.num_frames}
    with own_server(str(directory), settings) as url:
        target = Target(url=url, body=body)
        asyncio.run(check(target, Arrival(0.0, TEXTS[0], _SEED)))
        found = []
        for index, rate_hz in enumerate(size.rates_hz):
            if budget.is_over:
                break
            # Half of the time: streams that are under way at the end are heard out.
            share_s = budget.left_s / (len(size.rates_hz) - index) / 2
            duration_s = round(min(size.max_duration_s, max(1.0, share_s)), 1)
            found.append(_measure_one(target, rate_hz, duration_s))
    return found


def _measure_one(target: Target, rate_hz: float, duration_s: float) -> Level:
    arrivals = poisson_arrivals(rate_hz, duration_s, _SEED)
    started = perf_counter()
    answers = asyncio.run(load(target, arrivals))
    return level_of(rate_hz, duration_s, _SEED, answers, perf_counter() - started)
