"""Pulling from either hub: resume after a break, switches and tokens, one line for each failure."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.models.hub_server import COMMIT, TINY_CHECKPOINT, HubState, hub_server

from intone.core.errors import DownloadError, ModelNotFoundError
from intone.models.hub import HubSettings, Source, list_installed, resolve
from intone.models.pull import PullProgress, pull

REPO = "Qwen/Qwen3-TTS-12Hz-0.6B-Base"
LARGE = "model.safetensors"
SOURCES: tuple[Source, ...] = ("hf", "modelscope")


@pytest.fixture
def state() -> HubState:
    extra = {"README.md": b"words", "model.onnx": b"another format"}
    return HubState(repo_id=REPO, files=TINY_CHECKPOINT | extra)


@pytest.fixture
def settings(tmp_path: Path, state: HubState) -> Iterator[HubSettings]:
    with hub_server(state) as address:
        yield HubSettings(
            hf_cache=tmp_path / "hf",
            modelscope_cache=tmp_path / "ms",
            hf_endpoint=address,
            modelscope_endpoint=address,
        )


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)


def contents(path: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*") if file.is_file()
    }


@pytest.mark.parametrize("source", SOURCES)
def test_a_pull_brings_the_checkpoint_and_nothing_else(
    settings: HubSettings, source: Source, capfd: pytest.CaptureFixture[str]
) -> None:
    path = pull("0.6b-base", settings, source=source)

    assert capfd.readouterr() == ("", "")
    assert contents(path) == TINY_CHECKPOINT
    assert resolve("0.6b-base", settings) == path
    assert [(m.source, m.is_complete) for m in list_installed(settings)] == [(source, True)]


@pytest.mark.parametrize("source", SOURCES)
def test_a_second_pull_fetches_no_file_again(
    settings: HubSettings, state: HubState, source: Source
) -> None:
    pull("0.6b-base", settings, source=source)
    state.log.clear()
    pull("0.6b-base", settings, source=source)

    assert state.ranges_of(LARGE) == []


@pytest.mark.parametrize("source", SOURCES)
def test_a_broken_transfer_goes_on_where_it_stopped(
    settings: HubSettings, state: HubState, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 1_000)
    state.files = TINY_CHECKPOINT | {"speech_tokenizer/model.safetensors": b"small"}
    state.cuts = 1

    path = pull("0.6b-base", settings, source=source)

    assert contents(path) == state.files
    assert [asked for asked in state.ranges_of(LARGE) if asked is not None] == ["bytes=128000-"]


def test_a_later_pull_resumes_what_an_earlier_one_left(
    settings: HubSettings, state: HubState
) -> None:
    state.cuts, state.dies = 1, True
    with pytest.raises(DownloadError, match="What arrived is kept; pull again to resume"):
        pull("0.6b-base", settings, source="modelscope")
    (part,) = settings.modelscope_cache.rglob("*.part")
    already = part.stat().st_size
    with pytest.raises(ModelNotFoundError, match="is not complete on this machine"):
        resolve("0.6b-base", settings)
    state.is_dead = False
    state.log.clear()

    pull("0.6b-base", settings, source="modelscope")

    assert 0 < already < len(TINY_CHECKPOINT[LARGE])
    assert f"bytes={already}-" in state.ranges_of(LARGE)
    assert list(settings.modelscope_cache.rglob("*.part")) == []


def test_a_server_that_cannot_resume_starts_over(settings: HubSettings, state: HubState) -> None:
    state.files = TINY_CHECKPOINT | {"speech_tokenizer/model.safetensors": b"small"}
    state.cuts, state.resumes = 1, False

    path = pull("0.6b-base", settings, source="modelscope")

    assert contents(path) == state.files


def test_progress_adds_up_to_the_whole(settings: HubSettings, state: HubState) -> None:
    state.cuts, state.resumes = 1, False
    seen: list[PullProgress] = []

    pull("0.6b-base", settings, source="modelscope", on_progress=seen.append)

    total = sum(len(data) for data in TINY_CHECKPOINT.values())
    assert {progress.total_bytes for progress in seen} == {total}
    assert seen[-1].done_bytes == total


def test_progress_from_hugging_face_adds_up_too(settings: HubSettings) -> None:
    seen: list[PullProgress] = []

    pull("0.6b-base", settings, on_progress=seen.append)

    at_least = sum(len(data) for data in set(TINY_CHECKPOINT.values()))  # equal files come once
    assert seen[-1].done_bytes == seen[-1].total_bytes >= at_least
    assert all(progress.done_bytes <= progress.total_bytes for progress in seen)


def test_a_damaged_file_is_deleted(settings: HubSettings, state: HubState) -> None:
    state.damages = True
    with pytest.raises(DownloadError, match="arrived damaged and was deleted; pull again"):
        pull("0.6b-base", settings, source="modelscope")
    assert not any(LARGE in str(path) for path in settings.modelscope_cache.rglob("*"))


@pytest.mark.parametrize("path", ["../../escape.json", "/etc/escape.json"])
def test_a_path_that_leaves_the_cache_is_refused(
    settings: HubSettings, state: HubState, path: str
) -> None:
    state.files = TINY_CHECKPOINT | {path: b"{}"}
    with pytest.raises(DownloadError, match="unsafe path"):
        pull("0.6b-base", settings, source="modelscope")
    assert list(settings.modelscope_cache.rglob("*.json")) == []


@pytest.mark.parametrize("source", SOURCES)
def test_a_token_is_sent(
    settings: HubSettings, state: HubState, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    pull("0.6b-base", replace(settings, modelscope_token="ms_secret"), source=source)

    expected = "Bearer hf_secret" if source == "hf" else "Bearer ms_secret"
    assert {request.authorization for request in state.log} == {expected}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(
    ("status", "message"),
    [(401, "access denied"), (403, "access denied"), (404, "no such model"), (500, "answered 500")],
)
def test_a_refusal_says_what_to_do(
    settings: HubSettings, state: HubState, source: Source, status: int, message: str
) -> None:
    state.refuse_with = status
    with pytest.raises(DownloadError, match=f"cannot pull {REPO}.*{message}") as caught:
        pull("0.6b-base", settings, source=source)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("source", SOURCES)
def test_an_unreachable_hub_is_named(settings: HubSettings, source: Source) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}"
    away = replace(settings, hf_endpoint=address, modelscope_endpoint=address)
    with pytest.raises(DownloadError, match=f"cannot reach {address}.*check the network"):
        pull("0.6b-base", away, source=source)


@pytest.mark.parametrize("source", SOURCES)
def test_offline_opens_no_connection(
    settings: HubSettings, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object) -> None:
        raise AssertionError("offline means no connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    with pytest.raises(DownloadError, match="offline is on; unset INTONE_OFFLINE"):
        pull("0.6b-base", replace(settings, is_offline=True), source=source)


def test_offline_is_content_with_what_is_here(settings: HubSettings, state: HubState) -> None:
    path = pull("0.6b-base", settings)
    state.log.clear()

    assert pull("0.6b-base", replace(settings, is_offline=True)) == path
    assert state.log == []


@pytest.mark.parametrize("source", SOURCES)
def test_another_kind_of_repository_is_refused(
    settings: HubSettings, state: HubState, source: Source
) -> None:
    state.files = {"config.json": b"{}", "weights.safetensors": b"bytes"}
    with pytest.raises(DownloadError, match="is no complete Qwen3-TTS checkpoint"):
        pull("0.6b-base", settings, source=source)


def test_a_server_of_another_kind_is_named(settings: HubSettings, state: HubState) -> None:
    state.speaks_modelscope = False
    with pytest.raises(DownloadError, match="does not answer like ModelScope"):
        pull("0.6b-base", settings, source="modelscope")


def test_a_full_disk_is_reported(settings: HubSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(DownloadError, match="No space left on device"):
        pull("0.6b-base", settings, source="modelscope")


def test_only_a_name_can_be_pulled(settings: HubSettings, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=r"give an alias \(0.6b-custom.* or a hub id"):
        pull(str(tmp_path), settings)


def test_the_revision_is_asked_for(settings: HubSettings) -> None:
    assert pull("0.6b-base", settings, revision=COMMIT).name == COMMIT
    with pytest.raises(DownloadError, match="no such model, or no revision 'v9'"):
        pull("0.6b-base", settings, source="modelscope", revision="v9")
