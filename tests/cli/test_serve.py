"""`intone serve --stdin`: one take per line, numbered files, a bad line does not end it."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tests.cli.conftest import RunInProcess

from intone.core.types import ModelKind

Checkpoint = Callable[[ModelKind], Path]


@pytest.fixture
def say_lines(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    return lambda lines: monkeypatch.setattr(sys, "stdin", io.StringIO(lines))


def test_the_founding_command_speaks_until_exit(
    intone: RunInProcess, tiny_checkpoint: Checkpoint, say_lines: Callable[[str], None]
) -> None:
    say_lines("First line.\n\n  Second line.  \nexit\nNever spoken.\n")
    outcome = intone(
        *("serve", "--mode", "custom", "--model", tiny_checkpoint("custom"), "--speaker", "aiden"),
        *("--language", "English", "--streaming", "--max-new-tokens", "3"),
    )

    assert outcome.code == 0
    assert sorted(os.listdir("outputs")) == ["0001.wav", "0002.wav"]
    assert outcome.out.count("x real time") == 2
    assert "ready; one text per line, 'exit' ends" in outcome.err


def test_numbers_go_on_after_those_that_are_there(
    intone: RunInProcess, tiny_checkpoint: Checkpoint, say_lines: Callable[[str], None]
) -> None:
    Path("takes").mkdir()
    Path("takes/0007.wav").write_bytes(b"kept")
    say_lines("One more.")
    intone(
        *("serve", "--stdin", "--model", tiny_checkpoint("custom"), "--output-dir", "takes"),
        *("--format", "flac", "--max-frames", "3"),
    )

    assert sorted(os.listdir("takes")) == ["0007.wav", "0008.flac"]
    assert Path("takes/0007.wav").read_bytes() == b"kept"


def test_a_bad_line_is_reported_and_the_next_one_spoken(
    intone: RunInProcess, tiny_checkpoint: Checkpoint, say_lines: Callable[[str], None]
) -> None:
    say_lines("word " * 5_000 + "\nShort.\n")
    outcome = intone("serve", "--stdin", "--model", tiny_checkpoint("custom"), "--max-frames", "3")

    assert outcome.code == 3
    assert "positions" in outcome.err
    assert len(os.listdir("outputs")) == 1


def test_a_clip_is_cloned_once_for_all_lines(
    intone: RunInProcess, tiny_checkpoint: Checkpoint, say_lines: Callable[[str], None]
) -> None:
    soundfile.write("clip.wav", np.random.default_rng(0).normal(0, 0.1, 30_000), 24_000)
    say_lines("One.\nTwo.\n")
    outcome = intone(
        *("serve", "--stdin", "--mode", "clone", "--model", tiny_checkpoint("base")),
        *("--ref-audio", "clip.wav", "--xvec-only", "--max-frames", "3"),
    )

    assert outcome.code == 0
    assert len(os.listdir("outputs")) == 2


def test_cloning_needs_a_clip(
    intone: RunInProcess, tiny_checkpoint: Checkpoint, say_lines: Callable[[str], None]
) -> None:
    say_lines("One.\n")
    outcome = intone("serve", "--stdin", "--mode", "clone", "--model", tiny_checkpoint("base"))

    assert (outcome.code, outcome.err) == (3, "intone: mode clone needs --ref-audio FILE.\n")


def test_an_option_of_the_other_way_of_serving_is_refused(intone: RunInProcess) -> None:
    over_http = intone("serve", "--seed", "1")
    by_line = intone("serve", "--stdin", "--port", "80")

    assert (over_http.code, over_http.err) == (
        3,
        "intone: --seed belongs to serving by --stdin; leave it out, or see "
        "`intone serve --help`.\n",
    )
    assert (by_line.code, "--port belongs to serving by HTTP" in by_line.err) == (3, True)


def test_an_unwritable_directory_is_reported(
    intone: RunInProcess, tiny_checkpoint: Checkpoint, say_lines: Callable[[str], None]
) -> None:
    Path("file").touch()
    say_lines("One.\n")
    outcome = intone(
        "serve", "--stdin", "--model", tiny_checkpoint("custom"), "--output-dir", "file/inside"
    )

    assert outcome.code == 6
    assert "cannot write into file/inside" in outcome.err
