"""The arithmetic and the table of `intone bench`, and one measurement of a tiny checkpoint."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import pytest
from tests.oracle.peer import oracle_python

from intone.bench.command import add_arguments, run
from intone.bench.contestant import Contestant, Figures, summarise
from intone.bench.job import BenchJob
from intone.bench.machine import Machine
from intone.bench.report import Report
from intone.core.errors import BenchError, InvalidSettingError, OutputError

JOB = BenchJob(model="somewhere/0.6b-custom", threads=2, num_frames=10, num_streams=2)
READY = {"import_s": 1.0, "load_s": 2.0, "rss_mb": 300.0, "versions": {"torch": "2.13.0"}}


def take(wall_s: float) -> dict[str, float]:
    return {
        "wall_s": wall_s,
        "ttfa_s": wall_s / 10,
        "prefill_s": 0.1,
        "talker_s": 0.2,
        "code_predictor_s": 0.3,
        "codec_s": 0.1,
    }


@pytest.fixture
def figures() -> Figures:
    return summarise(JOB, READY, [take(9.0), take(1.0), take(5.0), take(2.0)], 400.0)


@pytest.fixture
def report(figures: Figures) -> Report:
    machine = replace(Machine.here(), load_average=0.1)
    theirs = replace(figures, rtf=figures.rtf / 2, frame_ms=figures.frame_ms * 2, rss_mb=None)
    return Report(
        job=JOB,
        machine=machine,
        date="2026-01-31",
        num_takes=3,
        figures={"intone": figures, "qwen-tts": theirs},
    )


def test_medians_leave_out_the_first_take(figures: Figures) -> None:
    assert figures.frame_ms == pytest.approx(2.0 * 1000 / 20)  # 10 frames in each of 2 streams
    assert figures.ttfa_s == pytest.approx(0.2)
    assert figures.first_ttfa_s == pytest.approx(0.9)


def test_real_time_factor_is_audio_seconds_per_wall_second(figures: Figures) -> None:
    assert figures.rtf == pytest.approx(20 * 0.08 / 2.0)


def test_stages_and_other_add_up(figures: Figures) -> None:
    stages = figures.prefill_ms + figures.talker_ms + figures.code_predictor_ms + figures.codec_ms
    assert stages + figures.other_ms == pytest.approx(figures.frame_ms)


def test_table_names_setting_machine_and_ratio(report: Report) -> None:
    text = str(report)
    assert "0.6b-custom: cpu, fp32, 2 threads, 2 streams, 10 frames, chunks 1, 2, 4, 8" in text
    assert str(report.machine) in text
    rows = {line[:26].strip(): line.split() for line in text.splitlines()}
    assert rows["real time"][-3:] == ["0.80x", "0.40x", "2.00"]
    assert rows["ms per frame"][-1] == "2.00"
    assert rows["memory after loading, MB"][-2:] == ["-", "-"]
    assert "busy" not in text


def test_the_file_names_the_date_and_the_model_but_no_path(report: Report) -> None:
    data = json.loads(report.to_json())
    assert data["date"] == "2026-01-31"
    assert data["job"]["model"] == "0.6b-custom"


def test_a_busy_machine_is_named(report: Report) -> None:
    busy = replace(report, machine=replace(report.machine, load_average=3.0))
    assert "do not quote" in str(busy)


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
    ],
)
def test_bad_arguments_are_refused(arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(InvalidSettingError, match=message):
        run(parse(*arguments))


def test_a_contestant_that_dies_is_named(tmp_path: Path) -> None:
    job = replace(JOB, model=str(tmp_path))
    with pytest.raises(BenchError, match="intone failed: .*config.json"), Contestant.intone(job):
        pass


def test_measures_a_tiny_checkpoint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "report.json"
    setting = ("--random", "tiny-base", "--threads", "1", "--frames", "4", "--takes", "1")
    assert run(parse(*setting, "--streams", "2", "--json", str(out))) == 0
    assert "real time" in capsys.readouterr().out
    figures = json.loads(out.read_text(encoding="utf-8"))["figures"]["intone"]
    assert figures["codec_ms"] > 0
    assert figures["peak_rss_mb"] > figures["rss_mb"] > 0


@pytest.mark.oracle
@pytest.mark.parametrize("kind", ["custom", "design", "base"])
def test_measures_against_the_public_package(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    python = oracle_python()
    if python is None:
        pytest.skip("INTONE_ORACLE_PYTHON names no Python with qwen-tts")
    setting = ("--random", f"tiny-{kind}", "--threads", "1", "--frames", "4", "--takes", "1")
    assert run(parse(*setting, "--against", "qwen-tts", "--peer-python", str(python))) == 0
    assert "ratio" in capsys.readouterr().out
