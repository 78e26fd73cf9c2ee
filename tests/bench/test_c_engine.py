"""The C engine as a contestant: what it prints, and a stand-in for it that prints the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from intone.bench.c_engine_output import parse_take
from intone.bench.c_engine_worker import CEngine
from intone.bench.contestant import Contestant
from intone.bench.job import BenchJob
from intone.core.errors import BenchError, InvalidSettingError

PRINTED = """Model loaded in 978 ms
  Prefill: 890 ms

  Generated 50 frames (4.0s audio)
  Talker step: 2043 ms (40.9 ms/f), Code Predictor: 4657 ms (93.1 ms/f)
  Embed: 1 ms, Codec head+sampling: 29 ms
  Speech decoder: 4878 ms total (748 ms drain after gen)
Audio: 4.0s generated in 8.4s (RTF 2.11)
  TTFA: 1166 ms (first audio chunk, 10-frame chunk)
"""
JOB = BenchJob(model="somewhere", dtype="int8", threads=2, num_frames=50)


def engine(job: BenchJob) -> CEngine:
    return CEngine(Path("engine"), job, "ryan")


def test_its_own_times_are_read_and_the_wall_time_comes_from_the_ratio() -> None:
    take = parse_take(PRINTED.splitlines(keepends=True), 50, is_stream=True)
    assert take == pytest.approx(
        {
            "load_s": 0.978,
            "prefill_s": 0.890,
            "talker_s": 2.043,
            "code_predictor_s": 4.657,
            "codec_s": 4.878,
            "wall_s": 8.44,
            "ttfa_s": 1.166,
        }
    )


def test_a_take_written_as_one_file_has_no_time_to_first_audio() -> None:
    assert parse_take([PRINTED], 50, is_stream=False)["ttfa_s"] is None


def test_a_take_of_another_length_is_no_figure() -> None:
    with pytest.raises(BenchError, match="made 50 of 48 frames"):
        parse_take([PRINTED], 48, is_stream=True)


def test_words_of_another_version_are_refused() -> None:
    with pytest.raises(BenchError, match="printed no talker_ms.*328ab9c"):
        parse_take([PRINTED.replace("Talker step", "Steps")], 50, is_stream=True)


@pytest.mark.parametrize(
    ("dtype", "runs", "flag"),
    [("int8", "int8", "--int8"), ("int4", "int4", "--int4"), ("auto", "int8", "--int8")],
)
def test_it_runs_in_the_nearest_precision(dtype: str, runs: str, flag: str) -> None:
    command = engine(replace(JOB, dtype=dtype)).command(Path("out.wav"))
    assert engine(replace(JOB, dtype=dtype)).dtype == runs
    assert flag in command


def test_fp32_becomes_bf16_and_whole_takes_are_not_streamed() -> None:
    whole = engine(replace(JOB, dtype="fp32", chunk_frames=24))
    assert whole.dtype == "bf16"
    assert not {"--int8", "--int4", "--stream"} & set(whole.command(Path("out.wav")))
    assert "--stream" in engine(JOB).command(Path("out.wav"))


def test_every_take_is_a_process_whose_figures_are_kept(
    tmp_path: Path, tiny_checkpoint: Callable[[str], Path]
) -> None:
    job = replace(JOB, model=str(tiny_checkpoint("custom")))
    with Contestant.c_engine(job, stand_in(tmp_path)) as contestant:
        contestant.take()
        contestant.take()
        figures = contestant.figures()
    assert figures.dtype == "int8"
    assert figures.rtf == pytest.approx(4.0 / 8.44)
    assert figures.load_s == pytest.approx(0.978)
    assert 0 < figures.peak_rss_mb < 200  # of a shell, not of the process that measures
    assert figures.import_s is None


def test_an_engine_that_fails_is_named(
    tmp_path: Path, tiny_checkpoint: Callable[[str], Path]
) -> None:
    job = replace(JOB, model=str(tiny_checkpoint("custom")))
    with (
        Contestant.c_engine(job, stand_in(tmp_path, exit_code=3)) as contestant,
        pytest.raises(BenchError, match="c-engine failed: .*ended with 3"),
    ):
        contestant.take()


def test_a_checkpoint_without_preset_speakers_is_refused(
    tiny_checkpoint: Callable[[str], Path],
) -> None:
    with pytest.raises(InvalidSettingError, match="kind is 'base'"):
        CEngine.of(Path("engine"), replace(JOB, model=str(tiny_checkpoint("base"))))


def stand_in(folder: Path, exit_code: int = 0) -> Path:
    """Writes a command that prints what the engine prints."""
    script = folder / "engine"
    script.write_text(f"#!/bin/sh\ncat >&2 <<'END'\n{PRINTED}END\nexit {exit_code}\n")
    script.chmod(0o755)
    return script
