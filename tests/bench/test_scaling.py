"""Simulated fleets: nothing is lost from sight, and what theory knows comes out."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from benchmarks.scaling.autoscaling import Autoscaling, Scaler
from benchmarks.scaling.fleet import Fleet, Played, play
from benchmarks.scaling.measure import merged
from benchmarks.scaling.outcome import Outcome, Take
from benchmarks.scaling.plan import Promise, need_of
from benchmarks.scaling.replica import Line
from benchmarks.scaling.routing import ROUTERS, TwoChoices
from benchmarks.scaling.service import ServiceTimes, level_of, of_bench_reports, read, undisturbed
from benchmarks.scaling.tables import tables
from benchmarks.scaling.takes import Arrival, poisson_takes, rate_of, stepped_takes
from benchmarks.scaling.validate import compared

from intone.core.constants import FRAME_S
from intone.core.errors import InvalidSettingError

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"
TIMES = ServiceTimes(
    name="a replica",
    source="made up",
    is_measured=False,
    slots=4,
    step_s=((1, 0.01), (4, 0.03)),
    prefill_s=0.02,
    codec_frame_s=0.001,
    load_s=5.0,
)
FLEET = Fleet(times=TIMES, num_replicas=3, line=Line(max_waiting=2, max_wait_s=5.0))


def fates(played: Played) -> list[str | None]:
    return [take.fate for take in played.takes]


def steady(fleet: Fleet, rate_hz: float, duration_s: float = 60.0) -> Outcome:
    return play(fleet, poisson_takes(rate_hz, duration_s, 1), 1).outcome(duration_s / 4)


def test_the_same_seed_plays_the_same_and_another_does_not() -> None:
    takes = poisson_takes(8.0, 60.0, 3)
    one, same, other = (play(FLEET, takes, seed).outcome() for seed in (5, 5, 6))
    assert one == same != other
    assert takes == poisson_takes(8.0, 60.0, 3) != poisson_takes(8.0, 60.0, 4)


@pytest.mark.parametrize("rate_hz", [0.5, 6.0, 40.0])
@pytest.mark.parametrize("router", ROUTERS)
def test_every_take_is_served_refused_or_lost_once(router: str, rate_hz: float) -> None:
    scaling = Autoscaling(min_replicas=1, max_replicas=6, target_requests=3, downscale_delay_s=5)
    fleet = replace(
        FLEET, router=router, fails_at_s=(10.0, 20.0), update_at_s=30.0, scaling=scaling
    )
    played = play(fleet, poisson_takes(rate_hz, 60.0, 2))
    outcome = played.outcome(until_s=math.inf)
    assert outcome.num_takes == len(played.takes)
    assert outcome.num_served + outcome.num_refused + outcome.num_lost == outcome.num_takes
    for take in played.takes:
        assert (take.fate == "served") == (take.num_heard == take.num_frames)
        assert (take.fate != "refused") or take.num_heard == 0


def test_one_replica_waits_as_long_as_theory_says() -> None:
    """M/M/c: slots that do not slow each other are servers, geometric takes are exponential."""
    slots, step_s, mean_frames, load = 3, 0.04, 25, 0.6
    times = replace(
        TIMES,
        slots=slots,
        step_s=((1, step_s),),
        prefill_s=0.0,
        codec_frame_s=0.0,
        ramp_frames=(1, 10**6),
    )
    rate_hz = load * slots / (step_s * mean_frames)
    at_s = np.cumsum(-np.log(even_numbers(6_000, 1)) / rate_hz)
    frames = np.ceil(np.log(even_numbers(6_000, 2)) / math.log(1 - 1 / mean_frames))
    takes = [Arrival(float(at), int(num)) for at, num in zip(at_s, frames, strict=True)]
    line = Line(max_waiting=10**6, max_wait_s=math.inf)
    # The first frame says when a take got its slot; the others may come as one chunk.
    played = play(Fleet(times=times, num_replicas=1, line=line), takes)
    waits = [t.audible_s - t.arrived_s - step_s for t in played.takes if t.audible_s is not None]
    assert np.mean(waits) == pytest.approx(
        erlang_wait_s(slots, load, step_s * mean_frames), rel=0.1
    )


def even_numbers(num: int, seed: int) -> npt.NDArray[np.float64]:
    """Numbers between 0 and 1 that lie evenly, in random order: means are met exactly."""
    return (np.random.default_rng(seed).permutation(num) + 0.5) / num


def erlang_wait_s(servers: int, load: float, service_s: float) -> float:
    """Erlang C: the mean wait of an M/M/c queue."""
    offered = servers * load
    last = offered**servers / math.factorial(servers) / (1 - load)
    waits = last / (sum(offered**k / math.factorial(k) for k in range(servers)) + last)
    return waits * service_s / (servers * (1 - load))


def test_more_replicas_never_hurt() -> None:
    sizes = (1, 2, 3, 4, 6, 9)
    patient = Line(max_waiting=10**6, max_wait_s=math.inf)
    refused = [steady(replace(FLEET, num_replicas=num), 6.0).num_refused for num in sizes]
    waits = [steady(replace(FLEET, num_replicas=num, line=patient), 6.0) for num in sizes]
    p95s = [outcome.ttfa_p95_s or math.inf for outcome in waits]
    assert refused == sorted(refused, reverse=True)
    assert refused[0] > 0 == refused[-1]
    assert p95s == sorted(p95s, reverse=True)
    assert waits[0].hole_rate > waits[-1].hole_rate


def test_routers_that_know_more_do_better() -> None:
    busy = replace(FLEET, num_replicas=12, line=Line(max_waiting=100))
    by_router = {name: steady(replace(busy, router=name), 26.0) for name in ROUTERS}
    p95 = {name: outcome.ttfa_p95_s or math.inf for name, outcome in by_router.items()}
    assert p95["least-outstanding"] < p95["two-choices"] < p95["round-robin"] < p95["random"]


def test_old_counts_are_worse_than_fresh_ones() -> None:
    busy = replace(FLEET, num_replicas=12, line=Line(max_waiting=100))
    fresh, old = steady(busy, 26.0), steady(replace(busy, probe_s=10.0), 26.0)
    assert (old.ttfa_p95_s or 0) > (fresh.ttfa_p95_s or 0)


def test_two_choices_takes_the_shorter_line_and_never_a_closed_one() -> None:
    router = TwoChoices(np.random.default_rng(0))
    counts = np.array([9, 0, 5, 1])
    chosen = [router.choose(counts, [0, 2, 3]) for _ in range(200)]
    assert set(chosen) == {2, 3}
    assert chosen.count(3) > chosen.count(2)


def test_a_full_line_refuses_at_once_and_a_slow_one_after_its_time() -> None:
    burst = [Arrival(0.001 * i, 50) for i in range(10)]
    one = replace(FLEET, num_replicas=1)
    assert fates(play(one, burst)) == ["served"] * 6 + ["refused"] * 4
    slow = replace(one, line=Line(max_waiting=100, max_wait_s=0.5))
    assert fates(play(slow, burst)) == ["served"] * 4 + ["refused"] * 6


def test_a_replica_that_dies_takes_only_its_own_takes_along() -> None:
    takes = [Arrival(0.0, 500) for _ in range(6)]
    played = play(replace(FLEET, fails_at_s=(0.5,), router="round-robin"), [*takes, Arrival(1, 5)])
    assert sorted(map(str, fates(played))) == ["lost"] * 2 + ["served"] * 5
    assert played.sizes[-2:] == [(0.0, 3), (0.5, 2)]


@pytest.mark.parametrize(("surge", "least"), [(1, 3), (2, 3), (0, 2)])
def test_an_update_replaces_all_and_loses_nothing(surge: int, least: int) -> None:
    takes = poisson_takes(3.0, 60.0, 1)
    played = play(replace(FLEET, update_at_s=10.0, update_surge=surge), takes)
    assert set(fates(played)) == {"served"}
    assert min(num for _, num in played.sizes[3:]) == least
    assert played.sizes[-1][1] == 3
    opened = sum(
        after > before
        for (_, before), (_, after) in zip(played.sizes, played.sizes[1:], strict=False)
    )
    assert opened == 3 - 1 + 3


def test_a_fleet_grows_with_its_load_and_late() -> None:
    scaling = Autoscaling(min_replicas=1, max_replicas=8, target_requests=3)
    fleet = replace(FLEET, num_replicas=1, scaling=scaling)
    played = play(fleet, stepped_takes([(0.5, 60.0), (8.0, 90.0)], 1))
    grown_s = [at for at, num in played.sizes if num > 1]
    assert grown_s[0] > 60.0 + scaling.upscale_delay_s + TIMES.load_s
    late, soon = played.outcome(120.0, 150.0), played.outcome(65.0, 75.0)
    assert soon.refusal_rate > 0.3 > 0.1 > late.refusal_rate


def test_scaling_waits_before_it_lets_go() -> None:
    rule = Autoscaling(min_replicas=1, max_replicas=4, target_requests=2, look_back_s=1)
    scaler = Scaler(rule)
    wanted = [scaler.wanted(float(at), 0, 4) for at in range(302)]
    assert wanted[:300] == [4] * 300
    assert wanted[301] == 1


def test_a_listener_hears_holes_unless_a_buffer_covers_them() -> None:
    heard = []
    for buffer_s in (0.0, 0.2):
        take = Take(1.0, 3)
        for at_s, frames in ((2.0, 1), (2.2, 2)):
            take.hear(at_s, frames, buffer_s=buffer_s)
        heard.append((take.audible_s, take.num_holes, round(take.stalled_s, 3)))
    assert heard == [(2.0, 1, 0.12), (2.2, 0, 0.0)]


def test_silence_at_the_start_counts_as_waiting() -> None:
    take = Take(0.0, 3)
    take.hear(1.0, 1, silent_s=0.08)
    assert take.audible_s is None
    take.hear(1.05, 2, silent_s=0.08)
    assert take.audible_s == pytest.approx(1.08)


def test_the_smallest_fleet_keeps_the_promise_and_one_replica_less_does_not() -> None:
    promise = Promise(ttfa_p95_s=0.2, hole_rate=0.05)
    need = need_of(FLEET, 20.0, promise, num_takes=1_000)
    assert need.num_replicas is not None
    assert promise.is_kept(need.outcome)
    fewer = replace(FLEET, num_replicas=need.num_replicas - 1)
    takes = poisson_takes(rate_of(20.0), 200.0, 0)
    assert not promise.is_kept(play(fewer, takes).outcome())


def test_a_replica_that_is_slower_than_speech_keeps_no_promise_in_any_number() -> None:
    slow = replace(FLEET, times=replace(TIMES, step_s=((1, 0.1),)))
    assert need_of(slow, 5.0, Promise()).num_replicas is None


def test_times_between_points_lie_between_them_and_grow_beyond() -> None:
    times = replace(TIMES, slots=6, step_s=((2, 0.01), (4, 0.03)))
    assert times.steps_s() == pytest.approx([0, 0.01, 0.01, 0.02, 0.03, 0.04, 0.05])


def test_times_are_read_from_each_kind_of_file(tmp_path: Path) -> None:
    level = {"num_streams": 1, "step_s": 0.05, "prefill_s": 0.1, "codec_frame_s": 0.01}
    scaling = {
        "suite": "scaling",
        "model": "m",
        "machine": {"cpu": "a CPU", "num_cpus": 2},
        "load_s": 2.0,
        "levels": [level, level | {"num_streams": 4, "step_s": 0.1}],
    }
    streams = [
        {"num_streams": 4, "audio_s_per_s": 16.0, "ttfa_p50_ms": 60.0},
        {"num_streams": 1, "audio_s_per_s": 8.0, "ttfa_p50_ms": 30.0},
    ]
    gpu = {
        "suite": "gpu",
        "is_gpu": True,
        "device": {"name": "a GPU"},
        "parts": {"streams": {"1.7b": {"figures": streams}}},
    }
    (cpu,) = read(written(tmp_path, scaling))
    assert (cpu.slots, cpu.step_s, cpu.load_s) == (4, ((1, 0.05), (4, 0.1)), 2.0)
    (card,) = read(written(tmp_path, gpu))
    assert (card.is_measured, card.slots) == (True, 64)
    assert "a GPU" in card.source
    assert card.step_s == ((1, FRAME_S / 8), (4, 4 * FRAME_S / 16))
    assert card.prefill_s == pytest.approx(0.03 - FRAME_S / 8)
    with pytest.raises(InvalidSettingError, match="holds no service times"):
        read(written(tmp_path, {"suite": "another"}))
    with pytest.raises(InvalidSettingError, match="cannot be read"):
        read(tmp_path / "missing.json")


def test_levels_that_are_slower_than_larger_ones_were_disturbed() -> None:
    steps = [(1, 0.01), (2, 0.09), (4, 0.02), (8, 0.02)]
    levels = [{"num_streams": num, "step_s": step_s} for num, step_s in steps]
    assert [level["num_streams"] for level in undisturbed(levels)] == [1, 4, 8]


def test_a_level_that_is_measured_again_keeps_the_quicker() -> None:
    def once(load_s: float, **rtf: float) -> dict[str, Any]:
        levels = [{"num_streams": int(num[1:]), "rtf": value} for num, value in rtf.items()]
        head = {"suite": "scaling", "model": "m", "dtype": "fp32", "threads": 2, "num_frames": 52}
        return {**head, "load_s": load_s, "levels": levels}

    both = merged(once(2.0, n1=3.0, n4=9.0), once(1.0, n1=4.0, n4=8.0, n8=7.0))
    assert [level["rtf"] for level in both["levels"]] == [4.0, 9.0, 7.0]
    assert both["load_s"] == 1.0
    with pytest.raises(InvalidSettingError, match="name another"):
        merged(once(1.0) | {"threads": 8}, once(1.0))


def test_the_page_has_the_tables_of_the_results() -> None:
    page = (RESULTS.parents[1] / "docs" / "scaling.md").read_text(encoding="utf-8")
    for table in tables():
        assert "\n".join(table) in page


def written(folder: Path, data: dict[str, Any]) -> Path:
    path = folder / "times.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


def test_times_add_up_to_the_speed_that_was_measured() -> None:
    path = RESULTS / "cpu-0.6b-int8.json"
    times = of_bench_reports("0.6B", [path])
    level = level_of(json.loads(path.read_text(encoding="utf-8")))
    take_s = 48 * (level["step_s"] + level["codec_frame_s"]) + level["prefill_s"]
    assert 48 * FRAME_S / take_s == pytest.approx(level["rtf"], rel=0.02)
    alone = play(Fleet(times=times, num_replicas=1), [Arrival(0.0, 48)]).takes[0]
    assert alone.audible_s == pytest.approx(level["ttfa_s"], rel=0.1)


def test_times_that_cannot_be_are_refused() -> None:
    for wrong in ({"step_s": ()}, {"step_s": ((2, 0.1), (1, 0.1))}, {"slots": 0}):
        with pytest.raises(InvalidSettingError, match="allowed"):
            replace(TIMES, **wrong)


def test_a_measured_load_is_held_beside_the_same_arrivals() -> None:
    level = {
        "rate_hz": 2.0,
        "duration_s": 20.0,
        "seed": 0,
        "audio_s": 125.92,
        "ttfa_s": {"p50": 0.1, "p95": 0.4},
        "underrun_rate": 0.25,
        "audio_per_s": 5.9,
    }
    row = compared(TIMES, level)
    assert row.num_requests == 38
    assert row.factor_p50 == pytest.approx(row.simulated_p50_s / 0.1, abs=0.01)
    assert row.simulated_audio_s_per_s == pytest.approx(125.92 / 20, rel=0.2)
