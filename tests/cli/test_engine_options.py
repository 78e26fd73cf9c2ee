"""The options that say how a model is run reach the engine as they were given."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from intone.cli import main, options
from intone.cli.parser import build_parser
from intone.core.types import ModelKind


@pytest.mark.parametrize(
    "command",
    [
        ["say", "Hi."],
        ["custom", "--text", "Hi."],
        ["clone", "--ref-audio", "a.wav"],
        ["design", "--instruct", "calm"],
        ["serve", "--stdin"],
    ],
)
def test_every_speaking_command_takes_threads_precision_and_budget(command: list[str]) -> None:
    args = build_parser().parse_args(
        [*command, "--threads", "3", "--dtype", "int4", "--memory-budget", "1.5GiB"]
    )
    assert (args.threads, args.dtype, args.memory_budget) == (3, "int4", "1.5GiB")


def test_they_reach_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, object] = {}
    monkeypatch.setattr("intone.tts.TTS", lambda model, **keywords: given.update(keywords))
    words = ["say", "Hi.", "--threads", "3", "--memory-budget", "2GB", "--profile", "latency"]
    options.open_tts(build_parser().parse_args([*words, "--eager"]))
    assert given == {
        "device": "auto",
        "dtype": "auto",
        "threads": 3,
        "num_slots": 1,
        "profile": "latency",
        "eager": True,
        "memory_budget": "2GB",
    }


def test_one_model_on_several_gpus_is_refused_with_what_to_do_instead(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        build_parser().parse_args(["serve", "--tensor-parallel", "2"])
    assert ended.value.code == 2
    told = " ".join(capsys.readouterr().err.split())
    assert "2 GPUs for one model would make it slower" in told
    assert "one replica for each GPU" in told
    build_parser().parse_args(["serve", "--tensor-parallel", "1"])


@pytest.mark.parametrize("value", ["0", "-1", "two"])
def test_no_number_of_gpus_is_told_as_that(value: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        build_parser().parse_args(["serve", f"--tensor-parallel={value}"])
    assert f"'{value}' is no number of GPUs; allowed: 1" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("budget", "message"),
    [
        ("50MB", "intone: memory_budget is 50.0 MB, but tiny in int4 with 1 slot of "),
        ("much", "intone: a size is 'much'; allowed: bytes, or a number with KB, MB, GB, KiB"),
    ],
)
def test_a_budget_that_cannot_be_kept_is_one_line_and_no_file(
    tiny_checkpoint: Callable[[ModelKind], Path],
    capsys: pytest.CaptureFixture[str],
    budget: str,
    message: str,
) -> None:
    model = str(tiny_checkpoint("custom"))
    code = main(["say", "Hi.", "--model", model, "--device", "cpu", "--memory-budget", budget])
    err = capsys.readouterr().err
    assert code == 3
    assert err.startswith(message)
    assert len(err.splitlines()) == 1
    assert not Path("speech.wav").exists()
