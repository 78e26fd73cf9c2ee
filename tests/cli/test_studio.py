"""`intone studio` before a page is open: settings, which model speaks with whom, what is freed."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import threading
import time
import tomllib
import webbrowser
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.cli.conftest import RunInProcess

from intone.cli.studio import open_when_there
from intone.cli.studio_desk import studio_desk
from intone.cli.studio_models import StudioModels
from intone.core.errors import ModelNotFoundError, UnknownVoiceError
from intone.core.types import ModelKind, SpeechRequest
from intone.deploy.served_models import ModelsHere
from intone.deploy.services import make_services
from intone.server.sections import ModelSection
from intone.server.settings import Settings
from intone.studio.desk import Models
from intone.voices.library import VoiceLibrary
from intone.voices.making import speaker_voice
from intone.voices.voice import Reference, Voice

Checkpoint = Callable[[ModelKind], Path]


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> VoiceLibrary:
    monkeypatch.setenv("INTONE_VOICES_DIR", str(tmp_path / "voices"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    return VoiceLibrary(tmp_path / "voices")


def models_of(*directories: Path, trained: Callable[[], Mapping[str, Path]] = dict) -> StudioModels:
    section = ModelSection(served=tuple(map(str, directories)), max_loaded=1)
    return studio_models(section, trained)


def studio_models(
    section: ModelSection, trained: Callable[[], Mapping[str, Path]] = dict
) -> StudioModels:
    settings = Settings(model=section)
    source = ModelsHere(section, {}, trained)
    return StudioModels(make_services(settings, source), source)


def kept(name: str, hidden_size: int, made_by: str | None = None) -> Voice:
    x_vector = np.full(hidden_size, 0.1, np.float32)
    voice = Voice(
        name=name,
        kind="cloned",
        hidden_size=hidden_size,
        x_vector=x_vector,
        references=(Reference(x_vector=x_vector),),
    )
    return replace(voice, making=replace(voice.making, model=made_by))


def test_the_studio_listens_at_home_keeps_one_model_and_may_train(intone: RunInProcess) -> None:
    outcome = intone("studio", "--print-config", "--save-dir", "said", "--port", "7861")

    printed = tomllib.loads(outcome.out)
    assert printed["server"] | {"host": "127.0.0.1", "port": 7_861} == printed["server"]
    assert printed["model"]["max_loaded"] == 1
    assert printed["studio"] == {"enabled": True, "takes": "said", "training": True}


def test_for_a_network_it_answers_to_any_name_and_does_not_train(intone: RunInProcess) -> None:
    home = tomllib.loads(intone("studio", "--print-config").out)
    away = tomllib.loads(intone("studio", "--print-config", "--host", "0.0.0.0").out)

    assert home["server"]["allowed_hosts"] == ["127.0.0.1", "localhost", "[::1]"]
    assert not away["server"].get("allowed_hosts")
    assert (home["studio"]["training"], away["studio"]["training"]) == (True, False)


def test_beside_the_api_it_is_asked_for_and_does_not_train(intone: RunInProcess) -> None:
    alone = tomllib.loads(intone("serve", "--print-config").out)["studio"]
    beside = tomllib.loads(intone("serve", "--studio", "--print-config").out)["studio"]

    assert (alone["enabled"], beside["enabled"]) == (False, True)
    assert not beside["training"]


def test_a_missing_package_is_named_with_the_extra() -> None:
    code = (
        "import sys; sys.modules['gradio'] = None; from intone.cli import main; "
        "sys.exit(main(['studio', '--port', '0']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert (done.returncode, "install intone[studio]" in done.stderr) == (7, True)


@pytest.mark.usefixtures("library")
def test_a_preset_is_spoken_by_a_model_that_has_it(tiny_checkpoint: Checkpoint) -> None:
    custom = tiny_checkpoint("custom")
    models: Models = models_of(custom)

    assert models.for_voice("Ryan") == custom.name
    assert models.for_voice(None) == custom.name
    with pytest.raises(UnknownVoiceError, match="nobody"):
        models.for_voice("nobody")


@pytest.mark.usefixtures("library")
def test_a_released_speaker_whose_model_is_not_here_says_what_to_pull(
    tiny_checkpoint: Checkpoint,
) -> None:
    with pytest.raises(ModelNotFoundError, match="pull 0.6b-custom"):
        models_of(tiny_checkpoint("base")).for_voice("vivian")


def test_a_kept_voice_is_spoken_by_its_own_model_else_by_one_that_fits(
    tiny_checkpoint: Checkpoint, library: VoiceLibrary
) -> None:
    base = tiny_checkpoint("base")
    models = models_of(base)
    width = models.describe(base.name).hidden_size
    library.put(kept("nora", width, base.name))
    library.put(kept("nils", width))
    library.put(kept("wide", width + 1))

    assert models.for_voice("nora") == base.name
    assert models.for_voice("nils") == base.name
    with pytest.raises(ModelNotFoundError, match="'wide' speaks with a Base model of its size"):
        models.for_voice("wide")


def test_a_voice_that_was_trained_here_is_found_with_its_model(
    tiny_checkpoint: Checkpoint, library: VoiceLibrary
) -> None:
    custom = tiny_checkpoint("custom")
    source = studio_models(ModelSection(), lambda: {"own": custom})
    can = source.describe("own")
    library.put(speaker_voice("bob", can.voices[0], model=str(custom), hidden_size=can.hidden_size))

    assert source.for_voice("bob") == "own"
    assert source.record("own").name == str(custom.resolve())


@pytest.mark.usefixtures("library")
def test_cloning_takes_a_base_model_and_what_is_missing_is_named(
    tiny_checkpoint: Checkpoint,
) -> None:
    base, design = tiny_checkpoint("base"), tiny_checkpoint("design")
    models = models_of(base, design)

    assert models.for_kind("base") == base.name
    assert models.for_kind("design") == design.name
    with pytest.raises(ModelNotFoundError, match=r"clones voices; pull 0\.6b-base"):
        models_of(design).for_kind("base")
    with pytest.raises(ModelNotFoundError, match=r"designs voices; pull 1\.7b-design"):
        models_of(base).for_kind("design")


@pytest.mark.usefixtures("library")
def test_another_model_frees_the_old_weights_and_clearing_frees_the_last(
    tiny_checkpoint: Checkpoint,
) -> None:
    base, custom = tiny_checkpoint("base"), tiny_checkpoint("custom")
    models = models_of(base, custom)

    async def scene() -> None:
        assert models.states() == ()
        async with models.lease("anonymous", base.name):
            assert await models.free() == (), "it is in use"
        async with models.lease("anonymous", custom.name) as model:
            assert [state.name for state in models.states()] == [custom.name]
            request = SpeechRequest(text="One.", seed=1, max_frames=2)
            chunks = [chunk async for chunk in model.astream_request(request)]
            assert sum(chunk.num_frames for chunk in chunks) == 2
        assert await models.free() == (custom.name,)
        assert models.states() == ()

    asyncio.run(scene())


@pytest.mark.usefixtures("library")
def test_takes_of_two_keys_lie_apart(tmp_path: Path, tiny_checkpoint: Checkpoint) -> None:
    section = ModelSection(served=(str(tiny_checkpoint("base")),))
    settings = Settings(model=section).model_copy(deep=True)
    settings = Settings(**settings.model_dump() | {"studio": {"takes": str(tmp_path / "takes")}})
    source = ModelsHere(section, {})
    desk = studio_desk(make_services(settings, source), source)

    folders = [desk.takes(key).directory for key in ("anonymous", "alice", "bob")]
    assert folders == [
        tmp_path / "takes",
        tmp_path / "takes" / "keys" / "alice",
        tmp_path / "takes" / "keys" / "bob",
    ]
    assert desk.training is None, "on a shared server it is asked for"


def test_the_browser_opens_when_somebody_listens_and_not_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        there: tuple[str, int] = listener.getsockname()
        waiting = threading.Thread(target=open_when_there, args=(there, "a page"), daemon=True)
        waiting.start()
        time.sleep(0.15)
        assert opened == []
        listener.listen()
        waiting.join(5)

    assert opened == ["a page"]


def test_the_studio_stays_one_where_a_file_asks_for_a_founding_projects_server(
    intone: RunInProcess,
) -> None:
    Path("intone.toml").write_text('[server]\ncompat = "004"\n', encoding="utf-8")

    printed = tomllib.loads(intone("studio", "--config", "intone.toml", "--print-config").out)

    assert printed["studio"]["enabled"] is True
    assert printed["model"]["max_loaded"] == 1
