"""Bad input ends in one clear line and the documented exit code, and leaves nothing behind."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.conftest import RunInProcess

from intone.cli import exit_codes
from intone.core import errors
from intone.core.types import ModelKind

DOCS = Path(__file__).parents[2] / "docs" / "cli.md"
Checkpoint = Callable[[ModelKind], Path]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["Hello.", "--voice", "nobody"], 3, "nobody.*aiden"),
        (["Hello.", "--language", "klingon"], 3, "klingon.*english"),
        ([""], 3, "text is empty"),
        (["  \n "], 3, "text is empty"),
        (["word " * 5_000], 3, "positions"),
        (["Hello.", "--temperature", "0"], 3, "temperature is 0.0; allowed"),
        (["Hello.", "--top-p", "1.5"], 3, "top_p is 1.5; allowed"),
        (["Hello.", "--seed", "-1"], 3, "seed is -1; allowed"),
        (["Hello.", "--max-frames", "0"], 3, "max_frames is 0; allowed"),
        (["Hello.", "--chunk-frames", "0"], 3, "chunk_frames is 0; allowed"),
        (["Hello.", "--device", "toaster"], 3, "device is 'toaster'; allowed: auto, cpu"),
        (["Hello.", "--dtype", "int1"], 3, "dtype is 'int1'; allowed: auto, fp32"),
        (["Hello.", "-f", "words.txt"], 3, "text was given twice"),
        (["-f", "none.txt"], 3, "none.txt does not exist"),
        (["Hello.", "--out", "a.aac"], 6, r"cannot tell a format from 'a\.aac'"),
        (["Hello.", "--out", "none/a.wav"], 6, "no such directory; create it first"),
        (["Hello.", "--out", "."], 6, "a directory"),
        (["Hello.", "--out", "/dev/full", "--format", "wav"], 6, "the disk is full"),
        (["Hello.", "--out", "-", "--format", "mp3"], 6, "cannot stream mp3"),
    ],
)
def test_a_wrong_request_is_one_line(
    intone: RunInProcess,
    tiny_checkpoint: Checkpoint,
    arguments: list[str],
    code: int,
    message: str,
) -> None:
    outcome = intone("say", "--model", tiny_checkpoint("custom"), *arguments)

    assert (outcome.code, outcome.out) == (code, "")
    assert re.fullmatch(rf"intone: .*{message}.*\n", outcome.err), outcome.err
    assert os.listdir() == []


@pytest.mark.parametrize(
    ("model", "code", "message"),
    [
        ("nosuch", 4, "neither an alias"),
        ("1.7b-custom", 4, "Run `intone models pull 1.7b-custom`"),
        (".", 4, "config.json is missing"),
    ],
)
def test_a_model_that_is_not_there(
    intone: RunInProcess, model: str, code: int, message: str
) -> None:
    outcome = intone("say", "Hello.", "--model", model)

    assert outcome.code == code
    assert re.fullmatch(rf"intone: .*{message}.*\n", outcome.err), outcome.err
    assert os.listdir() == []


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        (["say", "Hello.", "--voice", "aiden"], "base"),
        (["say", "Hello.", "--voice", "aiden"], "design"),
        (["custom", "--text", "Hello.", "--speaker", "aiden"], "base"),
        (["clone", "--text", "Hello.", "--ref-audio", "clip.wav", "--xvec-only"], "custom"),
        (["clone", "--text", "Hello.", "--ref-audio", "clip.wav", "--ref-text", "a"], "design"),
        (["design", "--text", "Hello.", "--instruct", "warm"], "base"),
    ],
)
def test_a_model_of_another_kind_names_the_right_one(
    intone: RunInProcess, tiny_checkpoint: Checkpoint, command: list[str], kind: ModelKind
) -> None:
    import numpy as np
    import soundfile

    soundfile.write("clip.wav", np.random.default_rng(0).normal(0, 0.1, 30_000), 24_000)
    outcome = intone(*command, "--model", tiny_checkpoint(kind))

    assert outcome.code == 3, outcome.err
    assert re.search("custom|base|design|Custom|Base|Design", outcome.err)
    assert outcome.err.count("\n") == 1
    assert os.listdir() == ["clip.wav"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--ref-audio", "none.wav"], "none.wav does not exist"),
        (["--ref-audio", "text.wav"], "cannot be decoded"),
        (["--ref-audio", "text.wav", "--ref-text", ""], "cannot be decoded"),
    ],
)
def test_a_bad_clip_is_one_line(
    intone: RunInProcess, tiny_checkpoint: Checkpoint, arguments: list[str], message: str
) -> None:
    Path("text.wav").write_text("words")
    outcome = intone(
        "clone", "--model", tiny_checkpoint("base"), "--text", "Hi.", *arguments, "--xvec-only"
    )

    assert outcome.code == 3
    assert re.fullmatch(rf"intone: .*{message}.*\n", outcome.err), outcome.err


def test_a_truncated_checkpoint_is_named(
    intone: RunInProcess, tiny_checkpoint: Checkpoint, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    for file in tiny_checkpoint("custom").rglob("*"):
        if file.is_file():
            target = broken / file.relative_to(tiny_checkpoint("custom"))
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes())
    with (broken / "model.safetensors").open("r+b") as weights:
        weights.truncate(1_000)
    outcome = intone("say", "Hello.", "--model", broken)

    assert outcome.code == 4
    assert re.fullmatch(r"intone: .*model\.safetensors.*\n", outcome.err), outcome.err


@pytest.mark.parametrize("arguments", [[], ["nosuch"], ["say", "--top-k", "many"], ["models"]])
def test_a_wrong_command_line_is_code_2(intone: RunInProcess, arguments: list[str]) -> None:
    assert intone(*arguments).code == 2


def test_an_unexpected_error_is_one_line_too(
    intone: RunInProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(*_: object) -> None:
        raise ZeroDivisionError("boom")

    monkeypatch.setattr("intone.cli.models.list_installed", explode)
    outcome = intone("models", "list")

    assert outcome.code == 1
    assert outcome.err == (
        "intone: internal error: ZeroDivisionError: boom. This is a bug; "
        "INTONE_DEBUG=1 shows the trace.\n"
    )


def test_debugging_shows_the_trace(intone: RunInProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTONE_DEBUG", "1")
    with pytest.raises(errors.ModelNotFoundError):
        intone("say", "Hello.", "--model", "nosuch")


def test_the_documented_table_is_the_real_one() -> None:
    rows = re.findall(r"^\| (\d+) \| (.*) \|(.*)\|$", DOCS.read_text("utf-8"), re.M)
    documented = {
        name: int(code) for code, _, names in rows for name in re.findall(r"\w+Error", names)
    }
    raised = [kind for kind in vars(errors).values() if isinstance(kind, type)]

    for kind in set(raised) - {errors.IntoneError}:
        code = exit_codes.exit_code(kind.__new__(kind))
        parent = next(base.__name__ for base in kind.__mro__ if base.__name__ in documented)
        assert documented[parent] == code, kind
    constants = {value for name, value in vars(exit_codes).items() if name.startswith("EXIT_")}
    assert {int(code) for code, _, _ in rows} == constants | set(documented.values())
