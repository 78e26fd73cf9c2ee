"""`intone serve` over HTTP, before it listens: settings, models, refusals."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.conftest import RunInProcess

from intone.core.errors import ModelNotFoundError
from intone.core.types import ModelKind
from intone.deploy.served_models import ModelsHere
from intone.models.random_checkpoint import write_random_checkpoint
from intone.server.admission import NO_LIMITS
from intone.server.keys import KeyFile
from intone.server.sections import ModelSection

Checkpoint = Callable[[ModelKind], Path]


def test_the_effective_settings_are_printed_with_their_origin(
    intone: RunInProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("intone.toml").write_text("[queue]\nrunning = 3\n", encoding="utf-8")
    monkeypatch.setenv("INTONE_QUEUE__WAITING", "7")
    monkeypatch.setenv("QWEN_DEFAULT_SPEAKER", "Ryan")
    outcome = intone(
        *("serve", "--config", "intone.toml", "--compat", "004", "--print-config"),
        *("--host", "::1", "--set", "limits.body=3MB", "--wyoming", "10300"),
    )

    printed = tomllib.loads(outcome.out)
    assert printed["server"] | {"host": "::1", "port": 8_888, "compat": "004"} == printed["server"]
    assert (printed["queue"]["running"], printed["queue"]["waiting"]) == (3, 7)
    assert printed["limits"]["body"] == 3_000_000
    assert printed["speech"]["voice"] == "Ryan"
    assert (printed["wyoming"]["enabled"], printed["wyoming"]["port"]) == (True, 10_300)
    assert "waiting = 7  # environment\n" in outcome.out
    assert "running = 3  # file intone.toml\n" in outcome.out
    assert "port = 8888  # compat 004\n" in outcome.out


def test_an_unknown_setting_is_refused_before_anything_starts(intone: RunInProcess) -> None:
    outcome = intone("serve", "--set", "server.prot=1")

    assert (outcome.code, "near it: server.port" in outcome.err) == (3, True)


def test_beyond_this_machine_keys_are_needed(
    intone: RunInProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    without_file = intone("serve", "--host", "0.0.0.0")
    KeyFile(tmp_path / "intone" / "keys.json").add("alice", NO_LIMITS)
    KeyFile(tmp_path / "intone" / "keys.json").revoke("alice")
    with_empty_file = intone("serve", "--host", "::")

    for outcome in (without_file, with_empty_file):
        assert (outcome.code, "intone keys add NAME" in outcome.err) == (3, True)


def test_a_model_that_is_not_here_is_told_at_the_start(intone: RunInProcess) -> None:
    outcome = intone("serve", "--model", "0.6b-custom")

    assert (outcome.code, "'0.6b-custom' is not served here" in outcome.err) == (4, True)


def test_a_missing_package_is_named_with_its_extra() -> None:
    code = (
        "import sys; sys.modules['fastapi'] = None; from intone.cli import main; "
        "sys.exit(main(['serve']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True)

    assert done.returncode == 7
    assert b"needs fastapi; install intone[server]" in done.stderr


def test_help_loads_no_server() -> None:
    code = (
        "import sys; from intone.cli.parser import build_parser; build_parser().format_help(); "
        "sys.exit(bool({'fastapi', 'pydantic', 'uvicorn', 'numpy', 'torch'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_directory_is_served_under_its_name_alone(tiny_checkpoint: Checkpoint) -> None:
    directory = tiny_checkpoint("custom")
    source = ModelsHere(ModelSection(default=str(directory)), {"HF_HOME": "/nowhere"})

    assert source.default() == "tiny-custom"
    assert source.names() == ("tiny-custom", "builtin")
    assert source.describe("tiny-custom").model == "tiny-custom"
    assert source.memory_bytes("tiny-custom") > 10_000_000
    for path in (str(directory), "../tiny-custom", "/etc", "builtin/../builtin"):
        with pytest.raises(ModelNotFoundError, match="is not served here"):
            source.describe(path)


def test_alias_and_hub_id_are_one_model(tmp_path: Path) -> None:
    repo = "Qwen/Qwen3-TTS-12Hz-0.6B-CustomVoice"
    cache = tmp_path / "hub" / f"models--{repo.replace('/', '--')}" / "snapshots" / "a"
    write_random_checkpoint(cache, kind="custom", size="tiny")
    source = ModelsHere(ModelSection(), {"HF_HOME": str(tmp_path)})

    assert source.default() == "0.6b-custom"
    names = ("0.6b-custom", "0.6B-Custom", repo, repo.lower())
    assert {source.describe(name).model for name in names} == {"0.6b-custom"}
    only = ModelsHere(ModelSection(served=(repo,)), {"HF_HOME": str(tmp_path)})
    assert only.names() == ("0.6b-custom",)
    with pytest.raises(ModelNotFoundError):
        only.describe("builtin")
