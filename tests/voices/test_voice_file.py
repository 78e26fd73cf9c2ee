"""What is written is read back, always in the same bytes; anything else is refused."""

from __future__ import annotations

import json
import os
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load, save
from tests.voices.making_voices import make_voice, x_vector

from intone.core.errors import VoiceFileError
from intone.voices.voice import Making, Voice
from intone.voices.voice_file import (
    MAX_FILE_BYTES,
    content_sha256,
    read_voice,
    voice_bytes,
    voice_from_bytes,
)


def written(voice: Voice) -> dict[str, Any]:
    data = voice_bytes(voice)
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    metadata: dict[str, Any] = json.loads(header["__metadata__"]["intone.voice"])
    return metadata


def with_metadata(**changes: object) -> bytes:
    voice = make_voice()
    words = json.dumps(written(voice) | changes)
    return save(load(voice_bytes(voice)), metadata={"intone.voice": words})


def with_tensors(**changes: np.ndarray[Any, Any]) -> bytes:
    voice = make_voice()
    tensors = load(voice_bytes(voice)) | changes
    return save(tensors, metadata={"intone.voice": json.dumps(written(voice))})


def test_a_voice_comes_back_as_it_was() -> None:
    voice = replace(
        make_voice(moods=("angry",)),
        kind="designed",
        making=Making(description="a calm, deep voice — ruhig", seed=2**63 - 1, model="m"),
    )
    back = voice_from_bytes(voice_bytes(voice), "nora")

    assert (back.name, back.kind, back.language, back.making) == (
        "nora", "designed", "english", voice.making
    )  # fmt: skip
    assert (back.licence, back.consent, back.moods) == (voice.licence, voice.consent, ("angry",))
    for ours, theirs in zip(voice.references, back.references, strict=True):
        np.testing.assert_array_equal(ours.codes, theirs.codes)
        np.testing.assert_array_equal(ours.x_vector, theirs.x_vector)
        assert ours.text == theirs.text
    assert back.references[0].codes.dtype == np.int64


def test_equal_voices_give_equal_bytes_whatever_their_name() -> None:
    assert len({voice_bytes(make_voice(moods=("a", "b"))) for _ in range(20)}) == 1
    assert content_sha256(make_voice("one")) == content_sha256(make_voice("two"))
    assert content_sha256(make_voice()) != content_sha256(replace(make_voice(), consent="none"))


def test_the_name_is_the_files(tmp_path: Path) -> None:
    (tmp_path / "carla.voice").write_bytes(voice_bytes(make_voice()))

    assert read_voice(tmp_path / "carla.voice").name == "carla"


@pytest.mark.parametrize("keep", [0, 7, 8, 100, -1])
def test_a_truncated_file_is_refused(keep: int) -> None:
    with pytest.raises(VoiceFileError, match="foreign or truncated"):
        voice_from_bytes(voice_bytes(make_voice())[:keep], "nora")


def test_no_part_of_a_damaged_file_raises_anything_else() -> None:
    data = voice_bytes(make_voice())
    rng = np.random.default_rng(0)
    for _ in range(300):
        broken = bytearray(data)
        for place in rng.integers(0, 1_200, 3):
            broken[place] = int(rng.integers(256))
        try:
            voice_from_bytes(bytes(broken), "nora")
        except VoiceFileError:
            continue


def test_not_one_bit_may_differ() -> None:
    data = voice_bytes(make_voice())
    words_start = data.index(b"kind")
    for place in np.random.default_rng(1).integers(words_start, len(data), 200):
        broken = bytearray(data)
        broken[place] ^= 1 << int(place) % 8
        try:
            back = voice_from_bytes(bytes(broken), "nora")
        except VoiceFileError:
            continue
        assert voice_bytes(back) == data, "a blank between two words of the header means nothing"


def test_a_pickle_is_never_loaded() -> None:
    class Boom:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.system, ("touch pwned",)

    with pytest.raises(VoiceFileError, match="foreign"):
        voice_from_bytes(pickle.dumps(Boom()), "nora")
    assert not Path("pwned").exists()


def test_another_safetensors_file_is_foreign() -> None:
    with pytest.raises(VoiceFileError, match="foreign"):
        voice_from_bytes(save({"x_vector": x_vector()}), "nora")


@pytest.mark.parametrize("schema", [2, 0, None, "1", True])
def test_an_unknown_schema_says_to_update(schema: object) -> None:
    with pytest.raises(VoiceFileError, match="this Intone reads 1. Update"):
        voice_from_bytes(with_metadata(schema=schema), "nora")


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "robot"},
        {"hidden_size": 65},
        {"hidden_size": True},
        {"hidden_size": 10**9},
        {"references": {}},
        {"references": [{"mood": None, "text": ""}]},
        {"references": [{"mood": 3, "text": "words"}]},
        {"references": [{"mood": None, "text": "a"}] * 2},
        {"references": []},
        {"making": {"seed": 1}},
        {"making": None},
        {"consent": ["yes"]},
        {"consent": "x" * 10_001},
        {"unheard_of": 1},
        {"kind": "preset"},
    ],
    ids=str,
)
def test_metadata_that_no_voice_has_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(VoiceFileError, match="is damaged: .* again"):
        voice_from_bytes(with_metadata(**changes), "nora")


@pytest.mark.parametrize(
    "changes",
    [
        {"x_vector": x_vector().astype(np.float64)},
        {"x_vector": np.full(64, np.nan, np.float32)},
        {"reference.0.codes": np.zeros((3,), np.int16)},
        {"reference.0.codes": np.full((3, 16), -1, np.int16)},
        {"reference.0.codes": np.zeros((1_001, 16), np.int16)},
        {"stowaway": np.zeros(1, np.float32)},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_tensors_that_no_voice_has_are_refused(changes: dict[str, np.ndarray[Any, Any]]) -> None:
    with pytest.raises(VoiceFileError, match="is damaged"):
        voice_from_bytes(with_tensors(**changes), "nora")


def test_a_huge_file_is_not_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "big.voice"
    with path.open("wb") as file:
        file.truncate(MAX_FILE_BYTES * 1_000)

    with pytest.raises(VoiceFileError, match="larger than"):
        read_voice(path)


def test_links_directories_and_pipes_are_not_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(voice_bytes(make_voice()))
    (tmp_path / "link.voice").symlink_to(secret)
    (tmp_path / "folder.voice").mkdir()
    os.mkfifo(tmp_path / "pipe.voice")

    for name in ("link", "folder", "pipe", "absent"):
        with pytest.raises(VoiceFileError, match=name):
            read_voice(tmp_path / f"{name}.voice")


@pytest.mark.parametrize(
    "text", ["\x1b[2Jgone", "bell\a", "\ud800", "null\0", "\x9b31m"], ids=ascii
)
def test_a_file_cannot_command_a_terminal(text: str) -> None:
    with pytest.raises(VoiceFileError, match="holds the control character"):
        voice_from_bytes(with_metadata(consent=text), "nora")


def test_texts_of_every_script_and_of_several_lines_are_kept() -> None:
    text = "Zeile 1\n\tπρώτη, 你好, नमस्ते, \u200fשלום, 👩\u200d🚀"
    voice = replace(make_voice(), consent=text)

    assert voice_from_bytes(voice_bytes(voice), "nora").consent == text
