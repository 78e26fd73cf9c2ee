"""Asks a server as many people would: every request at its time, whatever became of the others."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Literal

import httpx2

from intone.bench.serve.arrivals import Arrival
from intone.bench.serve.listening import Heard, Listener
from intone.core.errors import BenchError

Outcome = Literal["ok", "refused", "failed"]
"""refused: 429 or 503, as a full server shall. failed: another status, or a stream that broke."""

_REFUSED = (429, 503)
_SPEECH = "/v1/audio/speech"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A server with OpenAI's speech route."""

    url: str
    """Up to and without `/v1`."""
    body: Mapping[str, Any] = field(default_factory=dict)
    """Fields beside `input` and `seed`; `response_format` must be "pcm"."""
    key: str | None = None
    sends_seed: bool = True
    timeout_s: float = 120.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one request."""

    outcome: Outcome
    status: int | None
    """None: there was no answer."""
    heard: Heard
    wall_s: float
    """From when it was due to its end."""


async def load(target: Target, arrivals: Sequence[Arrival]) -> list[Answer]:
    """Returns an answer for each arrival, in order."""
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx2.AsyncClient(limits=limits, timeout=target.timeout_s) as client:
        start_s = perf_counter()
        waiting = [_ask_at(client, target, arrival, start_s) for arrival in arrivals]
        return list(await asyncio.gather(*waiting))


async def check(target: Target, arrival: Arrival) -> None:
    """Speaks once before anything is measured; raises BenchError where that fails."""
    (answer,) = await load(target, [arrival])
    if answer.outcome != "ok":
        status = "no answer" if answer.status is None else f"status {answer.status}"
        raise BenchError(
            f"{target.url} did not speak ({status}); start a server there, and see that it knows "
            "the model and the voice that are asked for."
        )
    if answer.heard.audio_s == 0:
        raise BenchError(f"{target.url} answered without audio; it must send 16-bit PCM.")


async def _ask_at(
    client: httpx2.AsyncClient, target: Target, arrival: Arrival, start_s: float
) -> Answer:
    due_s = start_s + arrival.at_s
    await asyncio.sleep(max(0.0, due_s - perf_counter()))
    listener = Listener()
    status: int | None = None
    try:
        async with client.stream(
            "POST", f"{target.url}{_SPEECH}", json=_body(target, arrival), headers=_headers(target)
        ) as answer:
            status = answer.status_code
            if status == 200:
                async for piece in answer.aiter_raw():
                    listener.hear(perf_counter() - due_s, piece)
    except httpx2.HTTPError:
        return Answer("failed", status, listener.heard(), perf_counter() - due_s)
    outcome: Outcome = "ok" if status == 200 else "refused" if status in _REFUSED else "failed"
    return Answer(outcome, status, listener.heard(), perf_counter() - due_s)


def _body(target: Target, arrival: Arrival) -> dict[str, Any]:
    seed = {"seed": arrival.seed} if target.sends_seed else {}
    return {**target.body, "input": arrival.text, **seed}


def _headers(target: Target) -> dict[str, str]:
    return {} if target.key is None else {"Authorization": f"Bearer {target.key}"}
