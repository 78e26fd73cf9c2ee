"""Finding checkpoints on this machine: names, both caches, half-pulled models, no network."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.models.hub_server import TINY_CHECKPOINT

from intone.core.errors import ModelNotFoundError
from intone.models.hub import ALIASES, HubSettings, hub_id, list_installed, resolve

REPO = "Qwen/Qwen3-TTS-12Hz-0.6B-CustomVoice"
HF_NAME = "models--Qwen--Qwen3-TTS-12Hz-0.6B-CustomVoice"


@pytest.fixture
def settings(tmp_path: Path) -> HubSettings:
    return HubSettings(hf_cache=tmp_path / "hf", modelscope_cache=tmp_path / "ms")


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def refuse(*args: object) -> None:
        raise AssertionError("looking for a model must not open a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    return


def put_checkpoint(path: Path, *, without: str = "") -> Path:
    for name, data in TINY_CHECKPOINT.items():
        if name != without:
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(data)
    return path


def put_hf_main(settings: HubSettings, commit: str) -> None:
    ref = settings.hf_cache / HF_NAME / "refs" / "main"
    ref.parent.mkdir(parents=True, exist_ok=True)
    ref.write_text(commit)


def test_settings_come_from_the_variables_that_the_hubs_document() -> None:
    assert HubSettings.from_env({"HF_HOME": "/a", "MODELSCOPE_CACHE": "/b"}) == HubSettings(
        hf_cache=Path("/a/hub"), modelscope_cache=Path("/b")
    )
    full = HubSettings.from_env(
        {
            "HF_HOME": "/a",
            "HF_HUB_CACHE": "/c",
            "HF_ENDPOINT": "http://mirror",
            "MODELSCOPE_ENDPOINT": "http://ms",
            "MODELSCOPE_API_TOKEN": "key",
        }
    )
    assert full.hf_cache == Path("/c")
    assert full.hf_endpoint == "http://mirror"
    assert (full.modelscope_endpoint, full.modelscope_token) == ("http://ms", "key")
    assert HubSettings.from_env({"XDG_CACHE_HOME": "/x"}).hf_cache == Path("/x/huggingface/hub")


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ({}, False),
        ({"INTONE_OFFLINE": "0"}, False),
        ({"INTONE_OFFLINE": "1"}, True),
        ({"HF_HUB_OFFLINE": "TRUE"}, True),
    ],
)
def test_either_switch_means_offline(env: dict[str, str], expected: bool) -> None:
    assert HubSettings.from_env(env).is_offline is expected


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("0.6b-custom", REPO),
        ("0.6B-Custom", REPO),
        ("someone/fine-tuned_v1.2", "someone/fine-tuned_v1.2"),
        ("0.6b", None),
        ("/absolute/path", None),
        ("./here", None),
        ("a/b/c", None),
        ("", None),
    ],
)
def test_a_name_is_an_alias_or_a_hub_id(model: str, expected: str | None) -> None:
    assert hub_id(model) == expected


def test_a_directory_is_taken_as_it_is(tmp_path: Path, settings: HubSettings) -> None:
    assert resolve(tmp_path, settings) == tmp_path
    assert resolve(str(tmp_path), settings) == tmp_path


@pytest.mark.parametrize("model", ["0.6b-custom", REPO])
def test_a_pulled_model_is_found_by_alias_and_id(model: str, settings: HubSettings) -> None:
    path = put_checkpoint(settings.hf_cache / HF_NAME / "snapshots" / "c1")

    assert resolve(model, settings) == path


def test_the_main_revision_wins(settings: HubSettings) -> None:
    for commit in ("c1", "c2", "c3"):
        put_checkpoint(settings.hf_cache / HF_NAME / "snapshots" / commit)
    put_hf_main(settings, "c2")

    assert resolve("0.6b-custom", settings).name == "c2"


def test_a_complete_older_snapshot_serves_while_the_new_one_is_partial(
    settings: HubSettings,
) -> None:
    put_checkpoint(settings.hf_cache / HF_NAME / "snapshots" / "old")
    put_checkpoint(settings.hf_cache / HF_NAME / "snapshots" / "new", without="model.safetensors")
    put_hf_main(settings, "new")

    assert resolve("0.6b-custom", settings).name == "old"


@pytest.mark.parametrize(
    "place",
    [
        "models/Qwen--Qwen3-TTS-12Hz-0.6B-CustomVoice/snapshots/master",
        "models/Qwen/Qwen3-TTS-12Hz-0___6B-CustomVoice",
        "hub/models/Qwen/Qwen3-TTS-12Hz-0___6B-CustomVoice",
    ],
)
def test_every_layout_of_the_modelscope_cache_is_searched(
    place: str, settings: HubSettings
) -> None:
    path = put_checkpoint(settings.modelscope_cache / place)

    assert resolve("0.6b-custom", settings) == path
    assert [(m.repo_id, m.source) for m in list_installed(settings)] == [(REPO, "modelscope")]


def test_a_missing_model_says_how_to_pull_it(settings: HubSettings) -> None:
    with pytest.raises(
        ModelNotFoundError,
        match=r"1\.7b-base is not on this machine\. Run `intone models pull 1\.7b-base` "
        r"\(4\.5 GB\), or give the directory",
    ):
        resolve("1.7b-base", settings)


@pytest.mark.parametrize("missing", sorted(TINY_CHECKPOINT))
def test_a_partial_model_says_so(missing: str, settings: HubSettings) -> None:
    put_checkpoint(settings.hf_cache / HF_NAME / "snapshots" / "c1", without=missing)
    with pytest.raises(ModelNotFoundError, match="is not complete on this machine. Run `intone"):
        resolve("0.6b-custom", settings)


def test_an_unknown_name_lists_the_known_ones(settings: HubSettings) -> None:
    with pytest.raises(ModelNotFoundError, match=r"no model 'nosuch'.*0\.6b-custom, 0\.6b-base"):
        resolve("nosuch", settings)


def test_a_file_is_no_model(tmp_path: Path, settings: HubSettings) -> None:
    (tmp_path / "model.safetensors").touch()
    with pytest.raises(ModelNotFoundError, match="is a file; give the directory"):
        resolve(tmp_path / "model.safetensors", settings)


def test_the_list_shows_ours_and_nothing_else(settings: HubSettings) -> None:
    put_checkpoint(settings.hf_cache / HF_NAME / "snapshots" / "c1")
    put_checkpoint(settings.hf_cache / "models--me--my-voice" / "snapshots" / "c1")
    partial = settings.hf_cache / "models--Qwen--Qwen3-TTS-12Hz-1.7B-Base" / "snapshots" / "c1"
    put_checkpoint(partial, without="config.json")
    other = put_checkpoint(settings.hf_cache / "models--bert--base" / "snapshots" / "c1")
    (other / "config.json").write_text('{"model_type": "bert"}')

    found = list_installed(settings)

    assert [(m.repo_id, m.alias, m.is_complete) for m in found] == [
        (REPO, "0.6b-custom", True),
        ("Qwen/Qwen3-TTS-12Hz-1.7B-Base", "1.7b-base", False),
        ("me/my-voice", None, True),
    ]
    assert found[0].size_bytes == sum(len(data) for data in TINY_CHECKPOINT.values())


def test_an_empty_machine_has_an_empty_list(settings: HubSettings) -> None:
    assert list_installed(settings) == []


def test_aliases_are_lower_case_and_distinct() -> None:
    assert all(alias == alias.lower() for alias in ALIASES)
    assert len(set(ALIASES.values())) == len(ALIASES)
