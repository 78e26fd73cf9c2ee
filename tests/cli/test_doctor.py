"""`intone doctor`: what it finds here, what it makes of other machines, what it advises."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.cli.conftest import RunInProcess

from intone.bench.prediction import Prediction
from intone.bench.rates import Rates
from intone.cli import diagnosis
from intone.cli.advice import advice
from intone.cli.diagnosis import Diagnosis, Outlook
from intone.core.types import ModelKind
from intone.models.released import released_description
from intone.runtime.cpu.features import CpuFeatures
from intone.tts import TTS

ZEN = """processor\t: 0
model name\t: AMD EPYC 9005
flags\t\t: fpu avx2 avx512f avx512_vnni avx512_bf16 sse4_2
processor\t: 1
model name\t: another
flags\t\t: fpu
"""
ARM = "processor : 0\nFeatures : fp asimd asimddp i8mm bf16\nCPU part : 0xd4f\n"
OLD = "model name : Old\nflags : fpu sse4_2\n"

RATES = Rates(
    num_threads=2,
    read_1_gb_s=40.0,
    read_all_gb_s=45.0,
    read_small_pages_all_gb_s=30.0,
    multiply_1_gflop_s=105.0,
    multiply_all_gflop_s=210.0,
)


@pytest.fixture(scope="module")
def found() -> Diagnosis:
    """A machine on which nothing needs to change."""
    here = Diagnosis.here(measures=False)
    machine = replace(
        here.machine,
        cpu=CpuFeatures.parse(ZEN),
        available_bytes=16 * 10**9,
        huge_pages="madvise",
        load_average=0.1,
        kernel="Linux 6.8.0",
    )
    chosen = replace(here.chosen, device="cpu", dtype="int8", engine="onnxruntime 1")
    built = diagnosis.BuiltGraphs(model="0.6b-custom", dtype="int8", num_bytes=1, directory="x")
    return replace(here, machine=machine, chosen=chosen, models=("0.6b-custom",), built=(built,))


@pytest.mark.parametrize(
    ("cpuinfo", "name", "words", "is_quick"),
    [
        (ZEN, "AMD EPYC 9005", "AVX2, AVX-512, AVX-512 VNNI, AVX-512 BF16", True),
        (ARM, "", "NEON, dot product, I8MM, BF16", True),
        (OLD, "Old", "none that help", False),
        ("", "", "not known", None),
        ("flags : asimd sve\n", "", "NEON, SVE", False),
    ],
)
def test_features_are_read_from_the_first_core(
    cpuinfo: str, name: str, words: str, is_quick: bool | None
) -> None:
    features = CpuFeatures.parse(cpuinfo)
    assert (features.name, str(features), features.is_quick_in_int8) == (name, words, is_quick)


def test_the_doctor_tells_machine_engine_graphs_and_predictions(
    intone: RunInProcess,
    tiny_checkpoint: Callable[[ModelKind], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(diagnosis, "builtin_directory", lambda: tiny_checkpoint("custom"))
    with TTS(tiny_checkpoint("custom"), device="cpu", dtype="fp32") as tts:
        tts.load()
    outcome = intone("doctor", "--quick")

    assert (outcome.code, outcome.err) == (0, "")
    rows = dict(line.split("  ", 1) for line in outcome.out.splitlines() if "  " in line)
    rows = {name: value.strip() for name, value in rows.items()}
    assert rows["graphs of builtin"].startswith("fp32, ")
    assert rows["engine"].startswith(("onnxruntime ", "torch "))
    assert int(rows["cores to use"]) >= 1
    assert "available" in rows["memory"]
    assert "not measured" in outcome.out
    assert "- no model was pulled: intone models pull 0.6b-custom" in outcome.out


def test_the_same_comes_as_json(intone: RunInProcess) -> None:
    outcome = intone("doctor", "--quick", "--json")

    told = json.loads(outcome.out)
    assert outcome.code == 0
    assert told["machine"]["threads"] >= 1
    assert told["packages"].keys() == {"numpy", "onnxruntime", "torch"}
    sizes = {(one["size"], one["dtype"]): one["memory_bytes"] for one in told["outlook"]}
    assert sizes["0.6b", "int4"] < sizes["0.6b", "int8"] < sizes["1.7b", "int8"]
    assert any("no model was pulled" in sentence for sentence in told["advice"])


def test_looking_for_torch_does_not_import_it() -> None:
    code = (
        "import sys; from intone.cli import main; code = main(['doctor', '--quick']); "
        "assert code == 0 and 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def test_measured_rates_become_speeds(
    intone: RunInProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Rates, "measured", classmethod(lambda cls, threads: RATES))
    told = json.loads(intone("doctor", "--json").out)

    speeds = {(one["size"], one["dtype"]): one["rtf"] for one in told["outlook"]}
    assert 1.0 < speeds["0.6b", "int8"] < speeds["0.6b", "int4"] < 2.5
    assert speeds["1.7b", "int8"] < speeds["0.6b", "int8"]


def test_work_done_at_the_same_time_is_not_added() -> None:
    description = released_description("0.6b")
    in_turns = Prediction.of(description, "int8", RATES, overlap=False)
    at_once = Prediction.of(description, "int8", RATES, overlap=True)
    assert in_turns.rtf == pytest.approx(80 / (in_turns.frame_loop_ms + in_turns.codec_ms))
    assert at_once.rtf == pytest.approx(80 / max(at_once.frame_loop_ms, at_once.codec_ms))
    assert at_once.codec_ms == pytest.approx(2 * in_turns.codec_ms)


def test_where_all_is_well_nothing_is_advised(found: Diagnosis) -> None:
    assert list(advice(found)) == []


def outlook(size: str, dtype: str, memory_gb: float, rtf: float) -> Outlook:
    return Outlook(size=size, dtype=dtype, memory_bytes=int(memory_gb * 1e9), rtf=rtf)


@pytest.mark.parametrize(
    ("machine", "sentence"),
    [
        ({"huge_pages": "never"}, "transparent huge pages are 'never': with 'madvise' in"),
        (
            {"huge_pages": "madvise", "kernel": "Linux 5.15.0-91"},
            "transparent huge pages are 'madvise': with 'always' in",
        ),
        (
            {"available_bytes": 1_400_000_000},
            r"0\.6b in int8 needs 1\.61 GB, but 1\.40 GB are available: use --dtype int4",
        ),
        (
            {"available_bytes": 1_000_000_000},
            r"0\.6b in int8 needs 1\.61 GB, but 1\.00 GB are available: use a smaller model",
        ),
        ({"cpu": CpuFeatures("", ("asimd",))}, "no instructions for 8 bit products"),
    ],
)
def test_a_machine_is_advised_what_to_change(
    found: Diagnosis, machine: dict[str, object], sentence: str
) -> None:
    sick = replace(found, machine=replace(found.machine, **machine))
    assert any(re.search(sentence, told) for told in advice(sick))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"outlook": (outlook("0.6b", "int8", 1, 0.8), outlook("0.6b", "int4", 1, 1.1))},
            "0.6b in int8 is predicted below real time: --dtype int4 would be above",
        ),
        (
            {"outlook": (outlook("1.7b", "int8", 1, 0.3), outlook("1.7b", "int4", 1, 0.6))},
            "1.7b is predicted below real time in every precision",
        ),
        ({"models": ("builtin",)}, "no model was pulled"),
        ({"built": ()}, "the first start of 0.6b-custom builds its graphs"),
    ],
)
def test_models_are_advised_about(
    found: Diagnosis, changes: dict[str, object], sentence: str
) -> None:
    assert any(sentence in told for told in advice(replace(found, **changes)))


def test_a_missing_engine_and_a_busy_machine_are_told(found: Diagnosis) -> None:
    missing = replace(found, chosen=replace(found.chosen, engine=None))
    assert "pip install onnxruntime" in next(advice(missing))
    busy = replace(found, rates=RATES, machine=replace(found.machine, load_average=99.0))
    assert any("99.0 cores were busy" in told for told in advice(busy))
