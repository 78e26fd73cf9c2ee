"""Files that are filled bit by bit, goals, budgets, and what a player notices."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from intone.bench.gpu.device import NOT_ON_A_GPU, Device
from intone.bench.gpu.goals import GOALS
from intone.bench.gpu.results import Entry, Results, continued
from intone.bench.gpu.speaker import Arrived, Trace
from intone.bench.gpu.table import table
from intone.bench.gpu.timing import Budget, percentile
from intone.bench.machine import Machine
from intone.core.errors import InvalidSettingError, OutputError

GPU = Device(
    name="H200",
    is_gpu=True,
    memory_gb=150.0,
    driver="580.1",
    cuda="12.9",
    torch="2.13.0",
    triton="3.9.0",
    machine=Machine.here(),
)
CPU = replace(GPU, name="a processor", is_gpu=False, memory_gb=None, driver=None)


@dataclass(frozen=True)
class Row:
    num_streams: int
    audio_s_per_s: float


def streams(audio_s_per_s: float) -> Entry:
    return Entry.now([Row(16, audio_s_per_s)])


def goal_of_16() -> int:
    return next(i for i, goal in enumerate(GOALS) if goal.name == "16 streams")


def test_a_file_holds_what_was_put_in_and_takes_more(tmp_path: Path) -> None:
    path = tmp_path / "gpu.json"
    first = Results(device=GPU)
    first.put("streams", "1.7b-custom", streams(100.0))
    first.put("host", "any model", Entry.now(note="not yet"))
    first.save(path)
    second = continued(path, GPU)
    assert second.parts == first.parts
    second.put("streams", "1.7b-custom", streams(120.0))
    second.put("streams", "0.6b-custom", streams(130.0))
    second.save(path)
    third = Results.read(path)
    assert third.parts["streams"]["1.7b-custom"].figures[0]["audio_s_per_s"] == 120.0
    assert list(third.parts["streams"]) == ["1.7b-custom", "0.6b-custom"]
    assert third.parts["host"] == first.parts["host"]


def test_figures_of_two_machines_do_not_share_a_file(tmp_path: Path) -> None:
    path = tmp_path / "gpu.json"
    Results(device=GPU).save(path)
    with pytest.raises(InvalidSettingError, match="measured on H200 .* this is H100 .*another"):
        continued(path, replace(GPU, name="H100"))
    with pytest.raises(InvalidSettingError, match=r"torch 2\.14"):
        continued(path, replace(GPU, torch="2.14"))


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"suite": "gpu", "schema": 0}'])
def test_a_foreign_file_is_not_overwritten(text: str, tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidSettingError, match="holds no results of this suite"):
        continued(path, GPU)


def test_a_file_that_cannot_be_written_is_an_error_in_words(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        Results(device=GPU).save(tmp_path / "absent" / "gpu.json")


@pytest.mark.parametrize(
    ("audio_s_per_s", "verdict"),
    [(80.0, "not reached"), (90.0, "first goal reached"), (160.0, "reached")],
)
def test_goals_are_reached_at_their_figure(audio_s_per_s: float, verdict: str) -> None:
    results = Results(device=GPU)
    results.put("streams", "1.7b-custom", streams(audio_s_per_s))
    assert GOALS[goal_of_16()].verdict(results) == verdict
    assert f"16 streams: 90, then 160 audio s/s: {verdict} ({audio_s_per_s:g})" in table(results)


@pytest.mark.parametrize(("device", "model"), [(CPU, "1.7b-custom"), (GPU, "0.6b-custom")])
def test_no_other_machine_or_model_reaches_a_goal(device: Device, model: str) -> None:
    results = Results(device=device)
    results.put("streams", model, streams(1e6))
    assert GOALS[goal_of_16()].verdict(results) == "not measured"


def test_the_table_of_a_cpu_says_so_before_anything_else() -> None:
    assert NOT_ON_A_GPU == "not measured on a GPU"
    assert NOT_ON_A_GPU in table(Results(device=CPU)).splitlines()[0]
    assert NOT_ON_A_GPU not in table(Results(device=GPU))


def test_a_busy_machine_is_said_to_be_busy() -> None:
    def shown(load: float) -> str:
        return table(Results(device=replace(GPU, machine=replace(GPU.machine, load_average=load))))

    assert "do not quote" in shown(GPU.machine.num_cpus * 0.5)
    assert "do not quote" not in shown(0.0)


def test_a_budget_is_shared_out_and_runs_out() -> None:
    now = [10.0]
    budget = Budget(8.0, lambda: now[0])
    share = budget.part(0.25)
    now[0] = 12.0
    assert (share.is_over, budget.left_s, budget.is_over) == (True, 6.0, False)
    now[0] = 18.0
    assert budget.is_over
    assert budget.part(0.5).is_over


def test_a_player_notices_what_comes_late_and_only_that() -> None:
    def trace(*times_s: float) -> Trace:
        return Trace(asked_at=0.0, chunks=[Arrived(at_s=t, num_frames=1) for t in times_s])

    assert trace(0.5, 0.55, 0.66).played().num_underruns == 0  # each frame lasts 80 ms
    late = trace(0.5, 0.7, 0.72).played()
    assert (late.num_underruns, round(late.stalled_s, 3)) == (1, 0.12)
    assert trace(0.5, 0.7, 0.9).played().num_underruns == 2


def test_percentiles_fall_between_neighbours() -> None:
    assert percentile([3.0, 1.0, 2.0], 50) == 2.0
    assert percentile([0.0, 10.0], 95) == pytest.approx(9.5)
    assert percentile([7.0], 95) == 7.0
