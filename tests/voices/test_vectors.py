"""Speakers of other programs come in, and a file that would run something does not."""

from __future__ import annotations

import io
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from tests.voices.making_voices import codes, x_vector

from intone.core.errors import OutputError, VoiceFileError
from intone.voices.vectors import read_speaker, write_vector
from intone.voices.voice_file import voice_bytes, voice_from_bytes

VECTOR = torch.from_numpy(x_vector(size=2_048))


class Boom:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("pwned",)


@pytest.mark.parametrize(
    "content",
    [
        VECTOR.to(torch.bfloat16),
        VECTOR,
        VECTOR[None],
        VECTOR[None, None].half(),
        {"speaker_embedding": VECTOR, "other": VECTOR},
        {"whatever": VECTOR[None]},
        {"items": [{"ref_code": None, "ref_spk_embedding": VECTOR, "ref_text": None}]},
    ],
    ids=["bf16", "fp32", "row", "deep", "named", "only", "prompt"],
)
def test_a_speaker_of_torch_is_read(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "speaker.pt")
    speaker = read_speaker(tmp_path / "speaker.pt")

    np.testing.assert_allclose(speaker.x_vector, VECTOR.numpy(), rtol=0.01)
    assert (speaker.x_vector.dtype, speaker.codes) == (np.float32, None)


def test_the_founding_file_has_four_kilobytes_and_becomes_a_voice(tmp_path: Path) -> None:
    path = tmp_path / "speaker.pt"
    write_vector(path, VECTOR.numpy())
    assert 4_096 <= path.stat().st_size < 6_000
    voice = read_speaker(path).voice("nora", path)
    back = voice_from_bytes(voice_bytes(voice), "nora")

    assert (back.kind, back.hidden_size, back.is_icl) == ("cloned", 2_048, False)
    assert back.making.description == "imported from speaker.pt"
    np.testing.assert_allclose(back.prompt().x_vector, VECTOR.numpy(), rtol=0.01)


def test_safetensors_come_in_as_they_went_out(tmp_path: Path) -> None:
    write_vector(tmp_path / "a.safetensors", VECTOR.numpy())
    save_file({"anything": VECTOR.to(torch.bfloat16)}, tmp_path / "b.safetensors")

    np.testing.assert_array_equal(read_speaker(tmp_path / "a.safetensors").x_vector, VECTOR.numpy())
    assert read_speaker(tmp_path / "b.safetensors").x_vector.shape == (2_048,)


def test_a_saved_prompt_keeps_its_clip(tmp_path: Path) -> None:
    item = {
        "ref_code": torch.from_numpy(codes()),
        "ref_spk_embedding": VECTOR,
        "x_vector_only_mode": False,
        "icl_mode": True,
        "ref_text": "What it says.",
    }
    torch.save({"items": [item]}, tmp_path / "voice.pt")
    voice = read_speaker(tmp_path / "voice.pt").voice("nora", tmp_path / "voice.pt")

    assert voice.prompt().ref_text == "What it says."
    np.testing.assert_array_equal(voice.prompt().ref_codes, codes())
    torch.save({"items": [item, item]}, tmp_path / "two.pt")
    with pytest.raises(VoiceFileError, match="holds 2 voice clone prompts"):
        read_speaker(tmp_path / "two.pt")


def zipped_pickle() -> bytes:
    buffer = io.BytesIO()
    torch.save(VECTOR, buffer)
    out = io.BytesIO()
    with zipfile.ZipFile(buffer) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            evil = name.endswith("data.pkl")
            new.writestr(name, pickle.dumps(Boom(), protocol=2) if evil else old.read(name))
    return out.getvalue()


@pytest.mark.parametrize(
    "data",
    [pickle.dumps(Boom()), pickle.dumps(Boom(), protocol=2), zipped_pickle()],
    ids=["pickle", "old pickle", "inside a file of torch"],
)
def test_a_file_that_would_run_something_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("speaker.pt").write_bytes(data)

    with pytest.raises(VoiceFileError, match="could execute code, so it is not read"):
        read_speaker(Path("speaker.pt"))
    assert not Path("pwned").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (torch.zeros(2_048), "holds no numbers"),
        (torch.full((2_048,), float("nan")), "holds no numbers"),
        (torch.zeros(4, 2_048), "holds 0 tensors"),
        (torch.arange(2_048), "holds 0 tensors"),
        ({"a": VECTOR, "b": VECTOR}, "holds 2 tensors"),
        ({}, "holds 0 tensors"),
        ("words", "holds 0 tensors"),
    ],
    ids=str,
)
def test_what_is_no_speaker_is_refused(tmp_path: Path, content: object, message: str) -> None:
    torch.save(content, tmp_path / "speaker.pt")

    with pytest.raises(VoiceFileError, match=message):
        read_speaker(tmp_path / "speaker.pt")


@pytest.mark.parametrize("name", ["noise.pt", "noise.safetensors", "empty.pt", "words.txt"])
def test_what_is_no_such_file_is_refused(tmp_path: Path, name: str) -> None:
    data = b"" if name.startswith("empty") else b"some words" * 100
    (tmp_path / name).write_bytes(data)

    with pytest.raises(VoiceFileError, match=name):
        read_speaker(tmp_path / name)


def test_a_vector_is_never_written_over_another(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    write_vector(path, VECTOR.numpy())

    with pytest.raises(OutputError, match="is there already"):
        write_vector(path, VECTOR.numpy())
    write_vector(path, VECTOR.numpy(), replace=True)
    with pytest.raises(OutputError, match=r"use \.safetensors or \.pt"):
        write_vector(tmp_path / "a.txt", VECTOR.numpy())


def test_an_archive_that_grows_is_not_unpacked(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"\0" * 100_000_000)
    assert (tmp_path / "bomb.pt").stat().st_size < 200_000

    with pytest.raises(VoiceFileError, match=r"unpacks to 100,000,000 bytes"):
        read_speaker(tmp_path / "bomb.pt")
