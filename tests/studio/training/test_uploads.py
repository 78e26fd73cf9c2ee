"""Archives: what is wanted comes out whole, what would do harm is refused before it is written."""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path

import pytest

from intone.cli.studio_training.uploads import ArchiveLimits, only_folder, unpack
from intone.core.errors import DatasetError

SMALL = ArchiveLimits(num_files=10, file_bytes=1_000, total_bytes=1_500, free_bytes=0)


def archive(path: Path, **files: bytes) -> Path:
    """Writes an archive; "a__wav" is a.wav, "/" is "_in_"."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, data in files.items():
            opened.writestr(name.replace("__", ".").replace("_in_", "/"), data)
    return path


def test_clips_and_texts_come_out_and_what_is_neither_is_named(tmp_path: Path) -> None:
    packed = archive(
        tmp_path / "a.zip", nora_in_a__wav=b"sound", nora_in_a__txt=b"words", nora_in_me__jpg=b"x"
    )
    left_out = unpack(packed, tmp_path / "clips", SMALL)
    assert left_out == ("nora/me.jpg",)
    folder = only_folder(tmp_path / "clips")
    assert {path.name for path in folder.iterdir()} == {"a.wav", "a.txt"}
    assert {path.name for path in tmp_path.iterdir()} == {"a.zip", "clips"}


@pytest.mark.parametrize("name", ["../a.wav", "/etc/a.wav", "x/../../a.wav", "C:\\a.wav", "..\\a"])
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as opened:
        opened.writestr("good.wav", b"sound")
        opened.writestr(name, b"sound")
    home = tmp_path / "home" / "clips"
    with pytest.raises(DatasetError, match="outside its folder"):
        unpack(tmp_path / "a.zip", home, SMALL)
    assert not home.exists()
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.zip", "home"]


def test_a_link_is_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("a.wav")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as opened:
        opened.writestr(link, "/etc/passwd")
    with pytest.raises(DatasetError, match="outside its folder"):
        unpack(tmp_path / "a.zip", tmp_path / "clips", SMALL)


@pytest.mark.parametrize(
    ("sizes", "words"),
    [((2_000,), "would be"), ((900, 900), "would be"), ((1,) * 11, "11 files")],
)
def test_a_bomb_is_refused_before_it_is_unpacked(
    tmp_path: Path, sizes: tuple[int, ...], words: str
) -> None:
    packed = archive(tmp_path / "a.zip", **{f"{i}__wav": bytes(n) for i, n in enumerate(sizes)})
    with pytest.raises(DatasetError, match=words):
        unpack(packed, tmp_path / "clips", SMALL)
    assert not (tmp_path / "clips").exists()


def test_an_archive_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    packed = archive(tmp_path / "a.zip", a__wav=bytes(900))
    data = packed.read_bytes()
    packed.write_bytes(data.replace((900).to_bytes(4, "little"), (9).to_bytes(4, "little")))
    with pytest.raises(DatasetError):
        unpack(packed, tmp_path / "clips", SMALL)
    assert not (tmp_path / "clips").exists()


def test_what_is_no_archive_or_holds_no_sound_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"hello")
    with pytest.raises(DatasetError, match="no .zip archive"):
        unpack(tmp_path / "a.zip", tmp_path / "clips")
    with pytest.raises(DatasetError, match="no sound"):
        unpack(archive(tmp_path / "b.zip", a__txt=b"words"), tmp_path / "clips")
