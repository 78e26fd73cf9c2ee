"""The arithmetic and the table of `intone bench`, and one measurement of a tiny checkpoint."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from tests.oracle.peer import oracle_python

from intone.bench.cold import measure_cold
from intone.bench.command import add_arguments, run
from intone.bench.contestant import Contestant
from intone.bench.figures import Figures, summarise
from intone.bench.floors import Floors, FrameWork
from intone.bench.job import BenchJob
from intone.bench.machine import Machine
from intone.bench.rates import Rates
from intone.bench.report import Report
from intone.core.errors import BenchError, InvalidSettingError, OutputError
from intone.runtime.cpu.store import CACHE_VARIABLE

JOB = BenchJob(model="somewhere/0.6b-custom", threads=2, num_frames=10, num_streams=2)
READY = {
    "dtype": "int8",
    "is_pipeline": True,
    "import_s": 1.0,
    "load_s": 2.0,
    "rss_mb": 300.0,
    "versions": {"torch": "2.13.0"},
}
ENDED = {"peak_rss_mb": 400.0, "anonymous_mb": 250.0, "file_mb": 100.0, "children_peak_mb": 0.0}
TAKE = {
    "wall_s": 2.0,
    "ttfa_s": 0.2,
    "prefill_s": 0.1,
    "talker_s": 0.2,
    "code_predictor_s": 0.3,
    "codec_s": 0.9,
}
RATES = Rates(
    num_threads=2,
    read_1_gb_s=20.0,
    read_all_gb_s=40.0,
    read_small_pages_all_gb_s=30.0,
    multiply_1_gflop_s=100.0,
    multiply_all_gflop_s=200.0,
)
WORK = FrameWork(
    talker_weights=400_000_000, code_predictor_weights=1_200_000_000, codec_flop=5_000_000_000
)


ECHO = f"""
import json, os, sys
cache = os.environ["{CACHE_VARIABLE}"]
ready = json.loads({json.dumps(json.dumps(READY))})
print(json.dumps({{**ready, "versions": {{"cache": cache}}}}), flush=True)
for _ in sys.stdin:
    print({json.dumps(json.dumps(TAKE))}, flush=True)
print({json.dumps(json.dumps(ENDED))}, flush=True)
"""
"""A contestant that says where its cache is."""


def take(wall_s: float) -> dict[str, float | None]:
    return {**TAKE, "wall_s": wall_s, "ttfa_s": wall_s / 10}


@pytest.fixture
def figures() -> Figures:
    takes = [take(9.0), take(1.0), take(5.0), take(2.0)]
    return summarise(JOB, READY, takes, ENDED, ready_s=4.0)


@pytest.fixture
def report(figures: Figures) -> Report:
    machine = replace(Machine.here(), load_average=0.1)
    theirs = replace(
        figures, rtf=figures.rtf / 2, frame_ms=figures.frame_ms * 2, rss_mb=None, dtype="bf16"
    )
    return Report(
        job=JOB,
        machine=machine,
        date="2026-01-31",
        num_takes=3,
        figures={"intone": figures, "qwen-tts": theirs},
    )


def rows_of(report: Report) -> dict[str, list[str]]:
    return {line[:27].strip(): line[27:].split() for line in str(report).splitlines()}


def test_medians_leave_out_the_first_take(figures: Figures) -> None:
    assert figures.frame_ms == pytest.approx(2.0 * 1000 / 20)  # 10 frames in each of 2 streams
    assert figures.ttfa_s == pytest.approx(0.2)
    assert figures.first_ttfa_s == pytest.approx(0.9)


def test_real_time_factor_is_audio_seconds_per_wall_second(figures: Figures) -> None:
    assert figures.rtf == pytest.approx(20 * 0.08 / 2.0)


def test_the_first_audio_is_counted_from_the_start_of_the_process(figures: Figures) -> None:
    assert figures.first_audio_s == pytest.approx(4.0 + 0.9)


def test_a_codec_beside_the_frame_loop_is_in_no_sum(figures: Figures) -> None:
    loop_ms = figures.prefill_ms + figures.talker_ms + figures.code_predictor_ms
    assert figures.waiting_ms == pytest.approx(figures.frame_ms - loop_ms)
    assert figures.other_ms is None


def test_stages_one_after_the_other_and_the_rest_add_up() -> None:
    figures = summarise(JOB, {**READY, "is_pipeline": False}, [take(2.0)] * 2, ENDED, ready_s=4.0)
    stages = figures.prefill_ms + figures.talker_ms + figures.code_predictor_ms + figures.codec_ms
    assert figures.waiting_ms is None
    assert figures.other_ms is not None
    assert stages + figures.other_ms == pytest.approx(figures.frame_ms)


def test_a_contestant_without_streaming_has_no_time_to_first_audio() -> None:
    whole = {**take(2.0), "ttfa_s": None}
    figures = summarise(JOB, READY, [whole, whole], ENDED, ready_s=4.0)
    assert figures.ttfa_s is figures.first_ttfa_s is figures.first_audio_s is None


def test_a_contestant_of_one_process_per_take_loads_with_every_take() -> None:
    takes = [{**take(2.0), "load_s": load_s, "start_s": load_s + 0.5} for load_s in (3.0, 1.0, 1.2)]
    figures = summarise(JOB, {**READY, "load_s": None}, takes, ENDED, ready_s=0.1)
    assert figures.load_s == pytest.approx(1.1)
    assert figures.first_audio_s == pytest.approx(3.5 + 0.2)


def test_table_names_setting_machine_precision_and_ratio(report: Report) -> None:
    text = str(report)
    assert "0.6b-custom: cpu, auto, 2 threads, 2 streams, 10 frames, chunks 1, 2, 4, 8" in text
    assert str(report.machine) in text
    rows = rows_of(report)
    assert rows["precision"] == ["int8", "bf16"]
    assert rows["real time"] == ["0.80x", "0.40x", "2.00"]
    assert rows["ms per frame"][-1] == "2.00"
    assert rows["memory after loading, MB"][-2:] == ["-", "-"]
    assert "busy" not in text


def test_every_peer_has_a_ratio_of_its_own(report: Report, figures: Figures) -> None:
    three = replace(report, figures={**report.figures, "c-engine": replace(figures, rtf=0.64)})
    assert "vs qwen-tts  vs c-engine" in str(three)
    assert rows_of(three)["real time"] == ["0.80x", "0.40x", "0.64x", "2.00", "1.25"]


def test_floors_stand_beside_what_they_bound(report: Report) -> None:
    with_floors = replace(report, floors=Floors.of(WORK, RATES, "int8"))
    rows = rows_of(with_floors)
    assert rows["talker"][2] == "10.0"
    assert rows["codec"][2] == "25.0"
    assert rows["ms per frame"][2:] == ["40.0", "2.00"]
    assert "40.0 GB/s" in str(with_floors)
    assert json.loads(with_floors.to_json())["floors"]["code_predictor_ms"] == pytest.approx(30.0)


def test_the_first_start_is_told_with_the_process_that_built(
    report: Report, figures: Figures
) -> None:
    cold = replace(figures, first_audio_s=12.5, peak_rss_mb=900.0, children_peak_mb=700.0)
    text = str(replace(report, cold=cold))
    assert "12.50 s to first audio, peak memory 900 MB, and 700 MB in the largest process" in text
    assert "First start" not in str(report)


def test_the_file_names_the_date_and_the_model_but_no_path(report: Report) -> None:
    data = json.loads(report.to_json())
    assert data["date"] == "2026-01-31"
    assert data["job"]["model"] == "0.6b-custom"


def test_a_busy_machine_is_named(report: Report) -> None:
    busy = replace(report, machine=replace(report.machine, load_average=3.0))
    assert "do not quote" in str(busy)


def test_others_that_kept_the_machine_busy_are_named(report: Report) -> None:
    assert "kept 0.80 processors busy" in str(replace(report, other_cpus=0.8))
    assert "do not quote" not in str(replace(report, other_cpus=0.02))


def test_json_holds_everything(report: Report, tmp_path: Path) -> None:
    report.save(tmp_path / "report.json")
    data = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert data["figures"]["intone"]["rtf"] == pytest.approx(0.8)
    assert data["machine"]["num_cpus"] == report.machine.num_cpus
    with pytest.raises(OutputError, match="cannot be written"):
        report.save(tmp_path / "absent" / "report.json")


def parse(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--frames", "0"), "--frames is 0"),
        (("--random", "2b-custom"), "'2b-custom'; allowed: SIZE-KIND"),
        (("--against", "qwen-tts", "--peer-python", "absent"), "make oracle"),
        (("--against", "c-engine"), "--c-engine is None"),
        (("--against", "c-engine", "--c-engine", __file__, "--streams", "4"), "--streams is 4"),
    ],
)
def test_bad_arguments_are_refused(arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(InvalidSettingError, match=message):
        run(parse(*arguments))


def test_a_contestant_that_dies_is_named(tmp_path: Path) -> None:
    job = replace(JOB, model=str(tmp_path))
    with pytest.raises(BenchError, match="intone failed: .*config.json"), Contestant.intone(job):
        pass


@pytest.mark.parametrize(
    ("threads", "rest", "absent"),
    [("2", "other_ms", "waiting_ms"), ("3", "waiting_ms", "other_ms")],  # in turns | at once
)
def test_measures_a_tiny_checkpoint(
    threads: str, rest: str, absent: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "report.json"
    setting = ("--random", "tiny-base", "--threads", threads, "--frames", "4", "--takes", "1")
    assert run(parse(*setting, "--no-floors", "--streams", "2", "--json", str(out))) == 0
    assert "real time" in capsys.readouterr().out
    report = json.loads(out.read_text(encoding="utf-8"))
    figures = report["figures"]["intone"]
    assert report["floors"] is None
    assert report["other_cpus"] > -0.5  # ours is not counted as others'
    assert figures["dtype"] == "fp32"
    assert figures["codec_ms"] > 0
    assert figures[rest] >= 0
    assert figures[absent] is None
    assert figures["peak_rss_mb"] > figures["rss_mb"] > figures["file_mb"] > 0


def test_the_first_start_is_measured_with_an_empty_cache_of_its_own(
    monkeypatch: pytest.MonkeyPatch, figures: Figures
) -> None:
    seen: list[Path] = []

    def intone(job: BenchJob, variables: Mapping[str, str]) -> Contestant:
        seen.append(Path(variables[CACHE_VARIABLE]))
        assert not any(seen[0].iterdir())
        contestant = Contestant("intone", [sys.executable, "-c", ECHO], job, variables)
        return contestant

    monkeypatch.setattr(Contestant, "intone", intone)
    assert measure_cold(JOB).versions == {"cache": str(seen[0])}
    assert not seen[0].exists()


@pytest.mark.oracle
@pytest.mark.parametrize("kind", ["custom", "design", "base"])
def test_measures_against_the_public_package(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    python = oracle_python()
    if python is None:
        pytest.skip("INTONE_ORACLE_PYTHON names no Python with qwen-tts")
    setting = ("--random", f"tiny-{kind}", "--threads", "1", "--frames", "4", "--takes", "1")
    assert run(parse(*setting, "--against", "qwen-tts", "--peer-python", str(python))) == 0
    assert "vs qwen-tts" in capsys.readouterr().out
