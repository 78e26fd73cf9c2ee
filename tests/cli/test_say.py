"""`intone say`: every way in and out, the same take for the same seed, one line of figures."""

from __future__ import annotations

import io
import os
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tests.cli.conftest import RunInProcess, build_here

from intone.core.types import ModelKind
from intone.tts import TTS

FIGURES = re.compile(
    r"^(?P<name>.+): (?P<audio>\d+\.\d\d) s of audio, \d+\.\d+x real time, TTFA \d+\.\d\d s, "
    r"seed (?P<seed>\d+), finished: (?P<reason>stop|length)\n$"
)


@pytest.fixture
def model(tiny_checkpoint: Callable[[ModelKind], Path]) -> list[str]:
    return ["--model", str(tiny_checkpoint("custom")), "--dtype", "fp32", "--device", "cpu"]


def test_a_sentence_becomes_a_file_and_a_line_of_figures(
    intone: RunInProcess, model: list[str]
) -> None:
    outcome = intone(
        *("say", "Hello there.", *model, "--out", "a.wav", "--max-frames", "5", "--seed", "1")
    )

    figures = FIGURES.match(outcome.out)
    assert (outcome.code, outcome.err) == (0, "")
    assert figures is not None
    assert (figures["name"], figures["reason"]) == ("a.wav", "length")
    assert float(figures["audio"]) == pytest.approx(0.4)
    assert soundfile.info("a.wav").duration == pytest.approx(0.4)


def test_a_first_start_is_announced_out_of_the_figures_way(
    intone: RunInProcess,
    tiny_checkpoint: Callable[[ModelKind], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("intone.runtime.cpu.store.run_builder", build_here)
    new = tmp_path / "new"
    shutil.copytree(tiny_checkpoint("custom"), new, ignore=shutil.ignore_patterns(".intone"))
    argv = ("say", "Hello.", "--model", new, "--dtype", "fp32", "--device", "cpu")

    outcome = intone(*argv, "--max-frames", "2")

    assert outcome.code == 0
    assert FIGURES.match(outcome.out)
    announced, done = outcome.err.splitlines()
    assert announced == f"intone: first start: building fp32 graphs of new in {new / '.intone'}"
    assert done.startswith("intone: built in ")


def test_without_a_name_the_file_is_speech_wav(intone: RunInProcess, model: list[str]) -> None:
    assert intone("say", "Hello.", *model, "--max-frames", "3").code == 0
    assert os.listdir() == ["speech.wav"]


def test_the_printed_seed_repeats_the_take(intone: RunInProcess, model: list[str]) -> None:
    first = intone("say", "Hello.", *model, "--out", "a.wav", "--max-frames", "4")
    figures = FIGURES.match(first.out)
    assert figures is not None
    seed = figures["seed"]
    intone("say", "Hello.", *model, "--out", "b.wav", "--max-frames", "4", "--seed", seed)
    intone("say", "Hello.", *model, "--out", "c.wav", "--max-frames", "4", "--seed", seed + "1")

    take = Path("a.wav").read_bytes()
    assert Path("b.wav").read_bytes() == take
    assert Path("c.wav").read_bytes() != take


def test_every_option_reaches_the_model(
    intone: RunInProcess, model: list[str], tiny_tts: TTS
) -> None:
    intone(
        *("say", "Hello.", *model, "--out", "a.wav", "--voice", "Vivian", "--language", "German"),
        *("--instruct", "Calm.", "--seed", "5", "--temperature", "0.7", "--top-k", "20"),
        *("--top-p", "0.9", "--repetition-penalty", "1.1", "--max-frames", "5"),
        *("--text-layout", "per_frame", "--chunk-frames", "2"),
    )
    expected = tiny_tts.speak(
        "Hello.",
        voice="vivian",
        language="german",
        instruct="Calm.",
        seed=5,
        temperature=0.7,
        top_k=20,
        top_p=0.9,
        repetition_penalty=1.1,
        max_frames=5,
        text_layout="per_frame",
    )

    samples, _ = soundfile.read("a.wav", dtype="float32")
    np.testing.assert_allclose(samples, expected.samples, atol=2e-4)


def test_greedy_needs_no_seed(intone: RunInProcess, model: list[str]) -> None:
    for name in ("a.wav", "b.wav"):
        intone("say", "Hello.", *model, "--out", name, "--max-frames", "4", "--greedy")

    assert Path("a.wav").read_bytes() == Path("b.wav").read_bytes()


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.mp3", "a.ogg", "a.pcm"])
def test_the_ending_chooses_the_format(intone: RunInProcess, model: list[str], name: str) -> None:
    assert intone("say", "Hello.", *model, "--out", name, "--max-frames", "4").code == 0
    assert os.listdir() == [name]


def test_a_format_can_be_named(intone: RunInProcess, model: list[str]) -> None:
    intone("say", "Hello.", *model, "--out", "take", "--format", "flac", "--max-frames", "4")

    assert soundfile.info("take").format == "FLAC"


def test_a_streamed_file_holds_the_same_take(intone: RunInProcess, model: list[str]) -> None:
    common = ("--seed", "1", "--max-frames", "9")
    intone("say", "Hello.", *model, *common, "--out", "a.wav")
    intone("say", "Hello.", *model, *common, "--out", "b.wav", "--stream")

    whole, _ = soundfile.read("a.wav", dtype="float32")
    streamed, _ = soundfile.read("b.wav", dtype="float32")
    np.testing.assert_allclose(streamed, whole, atol=2e-4)


def test_standard_output_carries_audio_and_nothing_else(
    intone: RunInProcess, model: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    piped = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(piped))
    outcome = intone("say", "Hello.", *model, "--out", "-", "--max-frames", "5", "--seed", "1")

    samples, rate_hz = soundfile.read(io.BytesIO(piped.getvalue()))
    assert (len(samples), rate_hz) == (5 * 1_920, 24_000)
    assert FIGURES.match(outcome.err) is not None


def test_text_comes_from_a_file(intone: RunInProcess, model: list[str]) -> None:
    Path("words.txt").write_text("Grüße aus der Datei.\n", encoding="utf-8")
    common = (*model, "--max-frames", "4", "--seed", "1")
    assert intone("say", "-f", "words.txt", *common, "--out", "a.wav").code == 0
    intone("say", "Grüße aus der Datei.\n", *common, "--out", "b.wav")

    assert Path("a.wav").read_bytes() == Path("b.wav").read_bytes()


@pytest.mark.parametrize("argument", [["-"], []])
def test_text_comes_from_standard_input(
    intone: RunInProcess, model: list[str], monkeypatch: pytest.MonkeyPatch, argument: list[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("Piped words."))

    assert intone("say", *argument, *model, "--max-frames", "4").code == 0


def test_a_streamed_take_without_a_file_is_played(
    intone: RunInProcess, model: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    outcome = intone("say", "Hello.", *model, "--stream")

    assert outcome.code == 7
    assert "pip install 'intone[play]'" in outcome.err


def test_a_terminal_sees_progress(
    intone: RunInProcess, model: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    short = ("--max-frames", "4", "--seed", "1")
    outcome = intone("say", "Hello.", *model, "--stream", "--out", "a.wav", *short)

    assert "loading the model" in outcome.err
    assert re.search(r"3 frames, 0\.2 s, \d+\.\dx real time", outcome.err)
    assert outcome.err.endswith("\r\x1b[2K")


def test_a_pulled_model_is_preferred(
    intone: RunInProcess, tmp_path: Path, tiny_checkpoint: Callable[[ModelKind], Path]
) -> None:
    snapshots = tmp_path / "hf/hub/models--Qwen--Qwen3-TTS-12Hz-0.6B-CustomVoice/snapshots"
    snapshots.mkdir(parents=True)
    (snapshots / "c1").symlink_to(tiny_checkpoint("custom"))
    outcome = intone("say", "Hello.", "--voice", "serena", "--max-frames", "3")

    assert (outcome.code, outcome.err) == (0, "")
