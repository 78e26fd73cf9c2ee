"""The suite as it is run, on a tiny checkpoint in place of a GPU."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from intone.bench.command import add_arguments, run
from intone.bench.gpu import suite as suite_module
from intone.bench.gpu.command import PART_NAMES
from intone.bench.gpu.sizes import QUICK_SIZE
from intone.bench.gpu.suite import FAKE_MODEL, OUT_OF_TIME, PARTS, SuiteSetting, run_suite
from intone.bench.gpu.timing import Budget
from intone.core.errors import InvalidSettingError
from intone.core.types import ModelKind

TINY = "tiny-custom"


@dataclass(frozen=True)
class Counted:
    num_streams: int


def suite(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return run(parser.parse_args(("--suite", "gpu", "--device", "cpu", "--quick", *arguments)))


def read(path: Path) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return report


def test_parts_on_a_cpu_run_and_are_never_called_a_gpus(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "gpu.json"
    parts = [argument for part in ("host", "single", "frame", "streams", "peer")
             for argument in ("--part", part)]  # fmt: skip
    assert suite(*parts, "--json", str(out)) == 0
    report, shown = read(out), capsys.readouterr().out
    assert "not measured on a GPU" in shown.splitlines()[0]
    assert report["note"] == "not measured on a GPU"
    assert report["is_gpu"] is report["device"]["is_gpu"] is False
    goals = shown[shown.index("goals,") :].splitlines()[1:]
    assert [line.rsplit(": ", 1)[1] for line in goals] == ["not measured"] * 6
    found = {part: models[TINY]["figures"] for part, models in report["parts"].items()
             if part != "host"}  # fmt: skip
    assert [row["chunk_frames"] for row in found["single"]] == [1, 2, 4, 8, 12]
    assert all(row["rtf"] > 0 and row["ttfa_p95_ms"] > 0 for row in found["single"])
    assert [row["num_streams"] for row in found["streams"]] == [1, 4]
    assert all(row["audio_s_per_s"] > 0 for row in found["streams"])
    for row in found["frame"]:
        assert min(row[name] for name in row if name.endswith("_ms")) > 0
        assert row["talker_ms"] > row["talker_floor_ms"]
    assert found["peer"] == []
    assert report["parts"]["host"][FAKE_MODEL]["figures"][0]["p50_ms"] > 0


@pytest.mark.slow
def test_the_real_server_is_heard_under_load(tmp_path: Path) -> None:
    out = tmp_path / "gpu.json"
    assert suite("--part", "open-loop", "--json", str(out)) == 0
    entry = read(out)["parts"]["open-loop"][TINY]
    assert "not the recorded frames" in entry["note"]
    busiest = entry["figures"][-1]
    assert busiest["success_rate"] == 1.0
    assert busiest["ttfa_s"]["p95"] >= busiest["ttfa_s"]["p50"] > 0


def test_each_part_alone_fills_the_same_file(tmp_path: Path) -> None:
    out = tmp_path / "gpu.json"
    assert suite("--part", "host", "--json", str(out)) == 0
    before = read(out)["parts"]["host"]
    assert suite("--part", "peer", "--json", str(out)) == 0
    report = read(out)
    assert list(report["parts"]) == ["host", "peer"]
    assert report["parts"]["host"] == before


def test_what_there_was_no_time_for_is_said(tmp_path: Path) -> None:
    out = tmp_path / "gpu.json"
    assert suite("--part", "single", "--budget", "1e-9", "--json", str(out)) == 1
    entry = read(out)["parts"]["single"][TINY]
    assert (entry["figures"], entry["note"]) == ([], OUT_OF_TIME)


def test_models_that_are_given_are_measured_the_first_in_a_server(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    tiny_checkpoint: Callable[[ModelKind], Path],
) -> None:
    asked: list[str] = []

    def measured(part: str) -> Callable[..., list[Counted]]:
        def work(model: Path, *args: object) -> list[Counted]:
            asked.append(f"{part} {model.name}")
            return [Counted(1)]

        return work

    for part in ("frame", "open_loop"):
        monkeypatch.setattr(suite_module, f"measure_{part}", measured(part))
    monkeypatch.setattr("intone.bench.gpu.table.table", lambda results: "")
    models = [word for kind in ("design", "custom")
              for word in ("--model", str(tiny_checkpoint(kind)))]  # fmt: skip
    assert suite("--part", "frame", "--part", "open-loop", *models) == 0
    assert asked == ["frame tiny-design", "open_loop tiny-design", "frame tiny-custom"]


def test_one_model_at_a_time_without_a_suite() -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    with pytest.raises(InvalidSettingError, match="--model is given 2 times"):
        run(parser.parse_args(["--model", "a", "--model", "b"]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--budget", "0"), "--budget is 0"),
        (("--dtype", "int8"), "--dtype is 'int8'; allowed with --suite gpu"),
        (("--random", "huge-custom"), "--random is 'huge-custom'"),
        (("--streams", "4"), "--streams is of one measurement"),
        (("--chunk-frames", "4"), "--chunk-frames is of one measurement"),
        (("--against", "qwen-tts"), "--against is of one measurement"),
    ],
)
def test_bad_settings_are_refused(arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(InvalidSettingError, match=message):
        suite(*arguments)


@pytest.mark.parametrize("arguments", [("--part", "single"), ("--quick",), ("--budget", "9")])
def test_options_of_a_suite_are_refused_without_one(arguments: tuple[str, ...]) -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    with pytest.raises(InvalidSettingError, match="name one, e.g. --suite gpu"):
        run(parser.parse_args(arguments))


def test_the_command_offers_every_part() -> None:
    assert PART_NAMES == PARTS


@pytest.mark.gpu
def test_on_a_gpu_the_suite_says_which(tmp_path: Path) -> None:
    out = tmp_path / "gpu.json"
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    setting = ("--suite", "gpu", "--device", "cuda", "--quick", "--random", TINY, "--dtype", "fp32")
    assert run(parser.parse_args([*setting, "--json", str(out)])) == 0
    report = read(out)
    assert report["is_gpu"]
    assert report["note"] is None
    assert report["device"]["driver"]


@pytest.mark.parametrize(("device", "number"), [("cuda", 0), ("cuda:1", 1)])
def test_parts_are_timed_on_the_gpu_that_was_named(
    device: str, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen: list[object] = []
    monkeypatch.setattr(suite_module.torch.cuda, "set_device", chosen.append)
    setting = SuiteSetting(
        device=device, dtype="bf16", size=QUICK_SIZE, parts=(), peer_python=Path("python")
    )
    assert run_suite([], setting, Budget(1.0), lambda part, model, entry: None)
    assert chosen == [number]
