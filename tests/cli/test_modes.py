"""`custom`, `clone` and `design` carry the founding command line's flags, exactly."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tests.cli.conftest import RunInProcess

from intone.cli.parser import build_parser
from intone.core.types import ModelKind

FOUNDING_FLAGS = [
    "--model=m --text=t --language=English --output=o.wav",
    "--model=m --text=t --output=o.wav --streaming --chunk-size=8",
    "--text=t --output=o.wav --max-new-tokens=10 --temperature=0.9 --top-k=50 --top-p=0.9",
    "--text=t --output=o.wav --repetition-penalty=1.05 --greedy --seed=1",
    "--text=t --output=o.wav --non-streaming-mode --device=cpu --dtype=bf16",
    "--text=t --output=o.wav --no-non-streaming-mode",
]

Checkpoint = Callable[[ModelKind], Path]


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "ref_audio.wav"
    noise = np.random.default_rng(0).normal(0, 0.1, 30_000)
    soundfile.write(path, noise, 24_000)
    return path


@pytest.mark.parametrize(
    ("mode", "own"),
    [
        ("custom", "--speaker=aiden --instruct=calm"),
        ("custom", "--list-speakers"),
        ("clone", "--ref-audio=a.wav --ref-text=words"),
        ("clone", "--ref-audio=a.wav --xvec-only --no-append-silence"),
        ("design", "--instruct=warm"),
    ],
)
@pytest.mark.parametrize("flags", FOUNDING_FLAGS)
def test_every_founding_flag_is_understood(mode: str, own: str, flags: str) -> None:
    args = build_parser().parse_args([mode, *own.split(), *flags.split()])

    assert (args.text, args.out) == ("t", "o.wav")


def test_upstreams_mode_maps_to_the_text_layout() -> None:
    parse = build_parser().parse_args

    assert parse(["custom", "--non-streaming-mode"]).text_layout == "at_once"
    assert parse(["custom", "--no-non-streaming-mode"]).text_layout == "per_frame"
    assert parse(["custom"]).text_layout is None


def test_custom_speaks(intone: RunInProcess, tiny_checkpoint: Checkpoint) -> None:
    outcome = intone(
        *("custom", "--model", tiny_checkpoint("custom"), "--speaker", "aiden", "--text", "Hello."),
        *("--language", "English", "--output", "out.wav", "--max-new-tokens", "4", "--streaming"),
    )

    assert (outcome.code, os.listdir()) == (0, ["out.wav"])
    assert "x real time" in outcome.out


def test_custom_lists_speakers_without_text(
    intone: RunInProcess, tiny_checkpoint: Checkpoint
) -> None:
    outcome = intone("custom", "--model", tiny_checkpoint("custom"), "--list-speakers")

    names = outcome.out.split()
    assert (outcome.code, len(names)) == (0, 9)
    assert {"aiden", "vivian", "uncle_fu"} <= set(names)


def test_design_speaks(intone: RunInProcess, tiny_checkpoint: Checkpoint) -> None:
    outcome = intone(
        *("design", "--model", tiny_checkpoint("design"), "--instruct", "A warm narrator."),
        *("--text", "Welcome.", "--output", "out.wav", "--max-new-tokens", "4"),
    )

    assert (outcome.code, os.listdir()) == (0, ["out.wav"])


@pytest.mark.parametrize("words", [["--ref-text", "What it says."], ["--xvec-only"]])
def test_clone_speaks(
    intone: RunInProcess, tiny_checkpoint: Checkpoint, clip: Path, words: list[str]
) -> None:
    outcome = intone(
        *("clone", "--model", tiny_checkpoint("base"), "--ref-audio", clip, *words),
        *("--text", "Hello.", "--output", "out.wav", "--max-new-tokens", "4", "--seed", "1"),
    )

    assert (outcome.code, outcome.err) == (0, "")
    assert soundfile.info("out.wav").frames == 4 * 1_920


def test_clone_without_words_says_what_it_does(
    intone: RunInProcess, tiny_checkpoint: Checkpoint, clip: Path
) -> None:
    outcome = intone(
        *("clone", "--model", tiny_checkpoint("base"), "--ref-audio", clip),
        *("--text", "Hello.", "--output", "out.wav", "--max-new-tokens", "4"),
    )

    assert outcome.code == 0
    assert "no --ref-text: cloning from the x-vector alone" in outcome.err


def test_the_appended_silence_can_be_left_out(
    intone: RunInProcess, tiny_checkpoint: Checkpoint, clip: Path
) -> None:
    common = (
        *("clone", "--model", tiny_checkpoint("base"), "--ref-audio", clip, "--ref-text", "Words."),
        *("--text", "Hello.", "--max-new-tokens", "6", "--seed", "1", "--dtype", "fp32"),
    )
    intone(*common, "--output", "a.wav")
    intone(*common, "--output", "b.wav", "--no-append-silence")

    assert Path("a.wav").read_bytes() != Path("b.wav").read_bytes()


@pytest.mark.parametrize(
    ("command", "words"),
    [("custom", "CustomVoice model."), ("clone", "(Base model)."), ("design", "VoiceDesign")],
)
def test_help_names_models_as_they_are_written(
    intone: RunInProcess, command: str, words: str
) -> None:
    assert words in intone(command, "--help").out.replace("\n", " ")
