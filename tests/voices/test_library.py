"""Voices are kept, found in any case, moved whole, and never lost to another."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from tests.voices.making_voices import make_voice, x_vector
from tests.voices.test_names import ATTACKS

from intone.core.errors import (
    InvalidSettingError,
    OutputError,
    UnknownVoiceError,
    VoiceFileError,
)
from intone.voices.library import VoiceLibrary
from intone.voices.making import with_mood
from intone.voices.voice import Reference
from intone.voices.voice_file import content_sha256


@pytest.fixture
def library(tmp_path: Path) -> VoiceLibrary:
    return VoiceLibrary(tmp_path / "data" / "voices")


def test_the_folder_is_the_users(tmp_path: Path) -> None:
    def folder(**env: str) -> Path:
        return VoiceLibrary.from_env({"HOME": "/h", **env}).directory

    assert folder(INTONE_VOICES_DIR="/v", XDG_DATA_HOME="/d") == Path("/v")
    assert folder(XDG_DATA_HOME="/d") == Path("/d/intone/voices")
    assert folder() == Path("~/.local/share/intone/voices").expanduser()


def test_an_empty_library_has_no_folder(library: VoiceLibrary) -> None:
    assert library.names() == ()
    assert library.entries() == ()
    with pytest.raises(UnknownVoiceError, match="kept: none"):
        library.get("nora")
    assert not library.directory.exists()


def test_a_kept_voice_is_found_in_any_case(library: VoiceLibrary) -> None:
    path = library.put(make_voice("Nora"))

    assert path.name == "Nora.voice"
    assert "NORA" in library
    assert content_sha256(library.get("nora")) == content_sha256(make_voice())
    assert library.get("nora").name == "Nora"


def test_an_unknown_name_lists_near_ones(library: VoiceLibrary) -> None:
    for name in ("nora", "noah", "zed"):
        library.put(make_voice(name))

    with pytest.raises(UnknownVoiceError, match="no voice 'norah'.*near it: nora, noah"):
        library.get("norah")


def test_a_second_voice_of_a_name_needs_leave(library: VoiceLibrary) -> None:
    library.put(make_voice("nora"))
    other = replace(make_voice("NORA"), consent="other")

    with pytest.raises(InvalidSettingError, match="'nora' is kept already"):
        library.put(other)
    assert library.get("nora").consent == "Nora agreed on paper."
    library.put(other, replace=True)
    assert library.names() == ("nora",)
    assert library.get("nora").consent == "other"


@pytest.mark.parametrize("name", ATTACKS, ids=ascii)
def test_no_name_reaches_a_path(library: VoiceLibrary, tmp_path: Path, name: str) -> None:
    library.put(make_voice("nora"))
    (tmp_path / "secret.voice").write_bytes(library.path("nora").read_bytes())
    before = sorted(tmp_path.rglob("*"))

    for act in (library.get, library.remove, library.path):
        with pytest.raises(UnknownVoiceError):
            act(name)
    with pytest.raises(InvalidSettingError):
        library.put(make_voice(name))
    with pytest.raises(InvalidSettingError):
        library.rename("nora", name)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_link_out_of_the_folder_is_damage_not_a_voice(
    library: VoiceLibrary, tmp_path: Path
) -> None:
    library.put(make_voice("nora"))
    outside = library.path("nora").rename(tmp_path / "outside.voice")
    (library.directory / "link.voice").symlink_to(outside)

    with pytest.raises(VoiceFileError, match="is a link"):
        library.get("link")
    library.put(make_voice("link"), replace=True)
    assert not (library.directory / "link.voice").is_symlink()
    assert outside.exists()


def test_a_damaged_file_stands_in_nobodys_way(library: VoiceLibrary) -> None:
    library.put(make_voice("nora"))
    (library.directory / "bad.voice").write_bytes(b"no voice")
    (library.directory / "CON.voice").write_bytes(b"")
    (library.directory / "notes.txt").write_bytes(b"")

    bad, nora = library.entries()
    assert (bad.name, bad.voice) == ("bad", None)
    assert "foreign" in str(bad.problem)
    assert nora.voice is not None
    assert nora.problem is None
    library.remove("bad")
    assert library.names() == ("nora",)


def test_a_renamed_voice_keeps_its_bytes(library: VoiceLibrary) -> None:
    library.put(make_voice("nora"))
    library.put(make_voice("carla"))
    data = library.path("nora").read_bytes()

    with pytest.raises(InvalidSettingError, match="'Carla' is kept already"):
        library.rename("nora", "Carla")
    assert library.rename("nora", "dora").read_bytes() == data
    assert library.rename("dora", "Dora").name == "Dora.voice"
    assert library.names() == ("carla", "Dora")


def test_a_voice_travels_whole(library: VoiceLibrary, tmp_path: Path) -> None:
    library.put(make_voice("nora", moods=("angry",)))
    file = library.export("nora", tmp_path)
    other = VoiceLibrary(tmp_path / "other")

    assert file == tmp_path / "nora.voice"
    with pytest.raises(OutputError, match="is there already.*--force"):
        library.export("nora", file)
    library.export("nora", file, replace=True)
    assert other.load(file).name == "nora"
    with pytest.raises(InvalidSettingError, match="kept already"):
        other.load(file)
    assert other.load(file, "carla").name == "carla"
    assert content_sha256(other.get("carla")) == content_sha256(library.get("nora"))


def test_what_is_no_voice_is_not_taken_in(library: VoiceLibrary, tmp_path: Path) -> None:
    (tmp_path / "x.voice").write_bytes(b"text")

    with pytest.raises(VoiceFileError):
        library.load(tmp_path / "x.voice")
    assert library.names() == ()


def test_a_failed_write_leaves_the_old_voice(
    library: VoiceLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.put(make_voice("nora"))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        with pytest.raises(OutputError):
            library.put(replace(make_voice("nora"), consent="new"), replace=True)
    assert library.get("nora").consent == "Nora agreed on paper."
    assert [path.name for path in library.directory.glob("*nora*")] == ["nora.voice"]


def test_of_two_at_once_one_is_told(library: VoiceLibrary) -> None:
    def keep(name: str) -> bool:
        try:
            library.put(make_voice(name))
        except InvalidSettingError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        kept = list(pool.map(keep, ["nora", "Nora", "NORA", "nOra"] * 4))

    assert kept.count(True) == 1
    assert len(library.names()) == 1


def test_what_could_not_be_read_back_is_not_written(library: VoiceLibrary) -> None:
    library.put(make_voice("nora"))

    with pytest.raises(InvalidSettingError, match="cannot be kept: .*consent holds the control"):
        library.put(replace(make_voice("nora"), consent="\a"), replace=True)
    assert library.get("nora").consent == "Nora agreed on paper."


def test_changes_of_one_voice_at_once_are_all_kept(library: VoiceLibrary) -> None:
    library.put(make_voice("nora"))
    moods = [f"mood {i}" for i in range(16)]

    def add(mood: str) -> None:
        clip = Reference(mood=mood, x_vector=x_vector())
        library.change("Nora", lambda voice: with_mood(voice, clip))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, moods))

    assert sorted(library.get("nora").moods) == sorted(moods)
    with pytest.raises(UnknownVoiceError):
        library.change("nobody", lambda voice: voice)


def test_only_a_command_that_can_replace_a_voice_offers_it(library: VoiceLibrary) -> None:
    library.put(make_voice("nora"))
    library.put(make_voice("dora"))
    with pytest.raises(InvalidSettingError, match="--force replaces it"):
        library.put(make_voice("nora"))
    with pytest.raises(InvalidSettingError) as refused:
        library.rename("nora", "dora")
    assert "--force" not in str(refused.value)


def test_a_file_in_the_folders_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "voices").write_text("a file")

    with pytest.raises(OutputError, match="cannot be listed: Not a directory"):
        VoiceLibrary(tmp_path / "voices").names()
