"""`intone bench serve`: arrivals, ears, figures, and a load on a small server."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from statistics import mean

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from tests.server.serving import serving_app

from intone.bench.serve.arrivals import Arrival, poisson_arrivals
from intone.bench.serve.command import add_arguments, run
from intone.bench.serve.listening import Heard, Listener
from intone.bench.serve.load import Answer, Target, check, load
from intone.bench.serve.report import level_of
from intone.core.errors import BenchError, InvalidSettingError

SILENCE, TONE = b"\0\0" * 2_400, b"\0\x20" * 2_400
"""0.1 s each."""


def heard(*pieces: tuple[float, bytes]) -> Heard:
    listener = Listener()
    for at_s, pcm in pieces:
        listener.hear(at_s, pcm)
    return listener.heard()


def test_arrivals_come_at_the_rate_that_was_asked_for_and_again_for_the_same_seed() -> None:
    arrivals = poisson_arrivals(20.0, 100.0, seed=1)
    gaps = np.diff([arrival.at_s for arrival in arrivals])

    assert mean(gaps) == pytest.approx(1 / 20, rel=0.1)
    assert np.std(gaps) == pytest.approx(1 / 20, rel=0.15)  # as of an exponential distribution
    assert arrivals == poisson_arrivals(20.0, 100.0, seed=1)
    assert arrivals != poisson_arrivals(20.0, 100.0, seed=2)


def test_silence_at_the_start_counts_as_waiting() -> None:
    found = heard((0.5, SILENCE + TONE))

    assert found.first_byte_s == 0.5
    assert found.audible_s == pytest.approx(0.6)


def test_a_stream_that_is_ahead_has_no_holes() -> None:
    found = heard((0.5, TONE), (0.55, TONE), (0.69, TONE))

    assert (found.num_underruns, found.stalled_s) == (0, 0.0)
    assert found.audio_s == pytest.approx(0.3)


def test_a_late_piece_is_a_hole_and_delays_what_follows() -> None:
    late = heard((0.0, TONE), (0.3, TONE), (0.35, TONE))

    assert late.num_underruns == 1
    assert late.stalled_s == pytest.approx(0.2)


def test_samples_may_be_cut_between_their_bytes() -> None:
    cut = heard((0.5, TONE[:1]), (0.6, TONE[1:101]), (0.6, TONE[101:]))

    assert cut.audio_s == pytest.approx(0.1)
    assert cut.audible_s == 0.6


def test_a_level_counts_what_was_refused_apart_from_what_failed() -> None:
    ears = heard((0.2, TONE))
    answers = [
        *[Answer("ok", 200, ears, 0.3)] * 6,
        *[Answer("refused", 503, heard(), 0.1)] * 3,
        Answer("failed", 500, heard(), 0.1),
    ]
    level = level_of(2.0, 5.0, 0, answers, wall_s=0.5)

    assert (level.num_ok, level.num_refused, level.num_failed) == (6, 3, 1)
    assert level.success_rate == pytest.approx(0.6)
    assert level.ttfa_s == {"p50": 0.2, "p95": 0.2, "p99": 0.2}
    assert level.audio_per_s == pytest.approx(6 * 0.1 / 0.5)


async def _speech(request: Request) -> Response:
    asked = await request.json()
    if asked["input"] == "full":
        return Response(status_code=503)

    async def sound() -> AsyncIterator[bytes]:
        yield SILENCE
        await asyncio.sleep(0.25)
        yield TONE
        if asked["input"] == "broken":
            raise ConnectionError

    return StreamingResponse(sound(), media_type="audio/pcm")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    routes = [Route("/v1/audio/speech", _speech, methods=["POST"])]
    with serving_app(Starlette(routes=routes)) as address:
        yield address


def test_requests_do_not_wait_for_each_other(url: str) -> None:
    arrivals = [Arrival(0.01 * i, text, i) for i, text in enumerate(("one", "full", "two"))]
    answers = asyncio.run(load(Target(url=url), arrivals))

    assert [answer.outcome for answer in answers] == ["ok", "refused", "ok"]
    assert answers[0].heard.num_underruns == 1
    assert answers[2].wall_s < 0.45  # two after each other would be 0.5 s


def test_a_stream_that_breaks_has_failed(url: str) -> None:
    (answer,) = asyncio.run(load(Target(url=url), [Arrival(0.0, "broken", 0)]))

    assert answer.outcome == "failed"


def test_a_server_that_does_not_speak_is_named() -> None:
    with pytest.raises(BenchError, match="no answer"):
        asyncio.run(check(Target(url="http://127.0.0.1:9"), Arrival(0.0, "Hello.", 0)))


def test_the_command_writes_a_level_for_each_rate(url: str, tmp_path: Path) -> None:
    code = run(
        arguments("--url", f"{url}/v1", "--rates", "20", "40", "--json", str(tmp_path / "r"))
    )
    report = json.loads((tmp_path / "r").read_text())

    assert code == 0
    assert [level["rate_hz"] for level in report["levels"]] == [20, 40]
    assert all(level["num_failed"] == 0 for level in report["levels"])
    assert report["machine"]["num_cpus"] >= 1


@pytest.mark.parametrize("wrong", [["--rates", "0"], ["--duration", "-1"], ["--url", "localhost"]])
def test_settings_out_of_range_are_refused(wrong: list[str]) -> None:
    with pytest.raises(InvalidSettingError):
        run(arguments(*wrong))


def arguments(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(["--duration", "0.3", *words])
