"""`intone models`: list, pull, inspect, random."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.conftest import RunInProcess
from tests.models.hub_server import TINY_CHECKPOINT, HubState, hub_server

from intone.core.types import ModelKind
from intone.tts import TTS

REPO = "Qwen/Qwen3-TTS-12Hz-0.6B-Base"
Checkpoint = Callable[[ModelKind], Path]


def test_a_new_machine_lists_what_it_could_pull(intone: RunInProcess) -> None:
    outcome = intone("models", "list")

    lines = outcome.out.splitlines()
    assert (outcome.code, outcome.err) == (0, "")
    assert lines[0].split() == ["MODEL", "SIZE", "WHERE"]
    assert lines[1].startswith("builtin ")
    assert "1.7b-design" in lines[-1]
    assert lines[-1].endswith("not here: intone models pull 1.7b-design")


def test_the_list_shows_where_the_built_in_voice_is(
    intone: RunInProcess, tiny_checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tiny_checkpoint("custom")
    monkeypatch.setattr("intone.cli.models.builtin_directory", lambda: directory)

    assert intone("models", "list").out.splitlines()[1].split()[-2:] == ["MB", str(directory)]
    assert inspected(intone, "builtin")["kind"] == "custom"


@pytest.mark.parametrize("source", ["hf", "modelscope"])
def test_pulling_prints_the_directory_and_the_list_shows_it(
    intone: RunInProcess, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    monkeypatch.delenv("INTONE_OFFLINE")
    with hub_server(HubState(repo_id=REPO, files=TINY_CHECKPOINT)) as address:
        monkeypatch.setenv("HF_ENDPOINT", address)
        monkeypatch.setenv("MODELSCOPE_ENDPOINT", address)
        pulled = intone("models", "pull", "0.6b-base", "--source", source)

    assert (pulled.code, pulled.err) == (0, "")
    path = pulled.out.strip()
    assert set(os.listdir(path)) >= {"config.json", "model.safetensors"}
    assert f"{path}\n" in intone("models", "list").out
    assert intone("models", "pull", "0.6b-base", "--offline").out == pulled.out


def test_a_failed_pull_is_one_line(intone: RunInProcess) -> None:
    outcome = intone("models", "pull", "0.6b-base")

    assert outcome.code == 5
    assert outcome.err == (
        f"intone: cannot pull {REPO}: offline is on; unset INTONE_OFFLINE and HF_HUB_OFFLINE.\n"
    )


def test_inspect_tells_kind_voices_and_memory(
    intone: RunInProcess, tiny_checkpoint: Checkpoint
) -> None:
    rows = inspected(intone, tiny_checkpoint("custom"))

    assert rows["kind"] == "custom"
    assert rows["speakers"].startswith("serena, vivian")
    assert rows["languages"].startswith("auto, chinese, english")
    assert rows["codebooks"] == "16"
    assert rows["speaker encoder"] == "none"
    assert rows["weights bf16"].endswith(" MB")
    fp32, int4 = (float(rows[f"memory {dtype}"].split()[0]) for dtype in ("fp32", "int4"))
    assert 80 < int4 < fp32


def test_inspect_tells_which_graphs_are_built(intone: RunInProcess) -> None:
    intone("models", "random", "--size", "tiny", "--kind", "design", "--out", "new")
    with TTS("new", device="cpu", dtype="int8") as tts:
        tts.load()
    rows = inspected(intone, "new")
    assert rows["graphs int8"].endswith(" MB")
    assert rows["graphs fp32"] == "not built"


def test_inspect_of_a_base_model_tells_what_cloning_adds(
    intone: RunInProcess, tiny_checkpoint: Checkpoint
) -> None:
    rows = inspected(intone, tiny_checkpoint("base"))

    assert (rows["kind"], rows["speakers"]) == ("base", "none")
    assert rows["cloning adds"].endswith(" MB (a clip of 10 s)")


def inspected(intone: RunInProcess, directory: str | Path) -> dict[str, str]:
    outcome = intone("models", "inspect", directory)
    assert (outcome.code, outcome.err) == (0, "")
    rows = [line.split("  ", 1) for line in outcome.out.splitlines()]
    return {name: value.strip() for name, value in rows}


def test_a_random_checkpoint_is_a_checkpoint(intone: RunInProcess) -> None:
    made = intone("models", "random", "--size", "tiny", "--kind", "design", "--out", "ckpt")

    assert (made.code, made.out) == (0, "ckpt\n")
    assert inspected(intone, Path("ckpt"))["kind"] == "design"


def test_a_directory_in_use_is_not_overwritten(
    intone: RunInProcess, tiny_checkpoint: Checkpoint
) -> None:
    outcome = intone("models", "random", "--out", tiny_checkpoint("custom"))

    assert outcome.code == 6
    assert "holds a checkpoint already" in outcome.err
