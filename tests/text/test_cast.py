"""Cast files: roles by name, and every mistake told."""

from __future__ import annotations

from pathlib import Path

import pytest

from intone.core.errors import TextFileError
from intone.text.cast import Cast, Role, parse_cast, read_cast
from intone.text.markup import parse_script


def cast(source: str) -> Cast:
    return parse_cast(source, name="cast.json")


def test_a_cast_maps_names_to_voices_in_both_forms() -> None:
    roles = cast(
        '{"Nora": "nora", "Old Max": {"voice": "max", "language": "de", "instruct": "An old man."}}'
    )

    assert list(roles) == ["Nora", "Old Max"]
    assert roles["nora"] == Role(voice="nora")
    assert roles["OLD  max"] == Role(voice="max", language="german", instruct="An old man.")
    assert "Bob" not in roles


def test_a_cast_is_what_a_script_takes_as_its_speakers() -> None:
    script = parse_script("NORA: Hi.\nOld max: Yes?", speakers=cast('{"Nora":"n","Old Max":"m"}'))

    assert script.speakers == ("Nora", "Old Max")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ('{\n "Nora": nora}', "cast.json, line 2, column 10"),
        ("", "line 1, column 1"),
        ("[]", "holds no cast"),
        ("{}", "holds no cast"),
        ('{"Nora": "a", "nora": "b"}', "'nora' is there twice"),
        ('{"Nora": {"voice": "a", "voice": "b"}}', "'voice' is there twice"),
        ('{"Nora": {"voice": "a", "pitch": "b"}}', "'pitch' is unknown; allowed.*voice"),
        ('{"Nora": {"language": "de"}}', "has no voice"),
        ('{"Nora": {"voice": 3}}', "voice is 3"),
        ('{"Nora": {"voice": "a", "language": "klingon"}}', "'klingon' is unknown"),
        ('{"Nora": ""}', "voice is"),
        ('{"Nora": null}', "has null"),
        ('{"Nora": ["a"]}', "write"),
        ('{" ": "a"}', "blank"),
        ('{"No:ra": "a"}', "holds ':'"),
        ("[" * 100_000, "nested too deeply|no JSON"),
    ],
)
def test_a_mistake_in_a_cast_is_told(source: str, words: str) -> None:
    with pytest.raises(TextFileError, match=words):
        cast(source)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", "a WAV or AVI file"),
        (b"ab\ncd\n\xe9", "line 3: byte 0xe9 is not UTF-8"),
        ("{}".encode("utf-16"), "UTF-16"),
        (b"{\x00}", "zero byte"),
    ],
)
def test_what_is_no_text_is_told(tmp_path: Path, data: bytes, words: str) -> None:
    path = tmp_path / "cast.json"
    path.write_bytes(data)

    with pytest.raises(TextFileError, match=words):
        read_cast(path)


def test_a_missing_file_and_a_directory_are_told(tmp_path: Path) -> None:
    with pytest.raises(TextFileError, match="does not exist"):
        read_cast(tmp_path / "none.json")
    with pytest.raises(TextFileError, match="is a directory"):
        read_cast(tmp_path)
