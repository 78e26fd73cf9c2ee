"""Forms that are no forms, and voice packages that are damaged, huge, or something else."""

from __future__ import annotations

import io
import json
import pickle
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from safetensors.numpy import save
from tests.server.hostile.checking import Judge
from tests.server.hostile.clips import encoded
from tests.server.hostile.conftest import LIMITS
from tests.train.speech import speech

from intone.voices.voice import Making, Voice
from intone.voices.voice_file import voice_bytes

VOICES, IMPORT = "/v1/audio/voices", "/v1/audio/voices/import"
CLIP = encoded(speech(6.0), 24_000, "WAV")
EDGE = b"edge"


def part(head: bytes, body: bytes = b"x", end: bytes = b"--edge--\r\n") -> bytes:
    return b"--edge\r\n" + head + b"\r\n\r\n" + body + b"\r\n" + end


_NAME = b'Content-Disposition: form-data; name="name"'
_FILE = b'Content-Disposition: form-data; name="audio_sample"; filename="a.wav"'

FORMS: dict[str, bytes] = {
    "nothing": b"",
    "no boundary in it": b"name=x",
    "another boundary": part(_NAME).replace(b"edge", b"cliff"),
    "no end": part(_NAME, end=b""),
    "no empty line": b"--edge\r\n" + _NAME + b"\r\nx\r\n--edge--\r\n",
    "no name": part(b"Content-Disposition: form-data"),
    "no disposition": part(b"Content-Type: audio/wav"),
    "a header of a megabyte": part(b"X: " + b"a" * 1_000_000),
    "ten thousand headers": part(b"\r\n".join(b"X-%d: y" % i for i in range(10_000))),
    "five thousand parts": part(_NAME, end=b"") * 5_000 + b"--edge--\r\n",
    "a form in a form": part(_FILE, part(_NAME)),
    "a file where a word belongs": part(_NAME + b'; filename="x"'),
    "a word where a file belongs": part(_FILE.replace(b'; filename="a.wav"', b"")),
    "a name in bad UTF-8": part(_NAME, b"\xff\xfe"),
    "a name of zeros": part(_NAME, bytes(64)),
    "nothing but the name": part(_NAME, b"nora"),
    "only line ends": b"\r\n" * 50_000,
    "only boundaries": b"--edge\r\n" * 50_000,
}


@pytest.mark.parametrize("route", [VOICES, IMPORT, "/v1/audio/jobs"])
@pytest.mark.parametrize("name", FORMS)
def test_a_form_that_is_none_is_refused(
    client: TestClient, judge: Judge, route: str, name: str
) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=edge"}

    judge.check_refused(client.post(route, content=FORMS[name], headers=headers))


def test_an_upload_beyond_the_limit_is_refused_with_the_numbers(
    client: TestClient, judge: Judge
) -> None:
    files = {"audio_sample": ("clip.wav", CLIP + bytes(LIMITS.upload), "audio/wav")}
    answer = client.post(VOICES, data={"name": "large"}, files=files)

    judge.check_refused(answer)
    assert answer.status_code == 413


BAD_NAMES = (
    "", " ", ".", "..", "../up", "..\\up", "/etc/passwd", "a/b", "a\\b", "~root", "C:\\x", "a\x00b",
    "a\nb", "a\r\nX-Evil: 1", "x" * 300, ".hidden", "-rf", "$(id)", "`id`", "a;b", "a|b", "<b>",
    "%2e%2e%2f", "\u202egnp", "\ufeff", "ryan", "a:b", "*", "?", "'", '"', "${x}", "{{7*7}}",
)  # fmt: skip


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_that_could_leave_the_folder_makes_no_voice(
    client: TestClient, judge: Judge, folder: Path, name: str
) -> None:
    answer = client.post(
        VOICES,
        data={"name": name, "consent": "yes", "anyway": "true"},
        files={"audio_sample": ("clip.wav", CLIP, "audio/wav")},
    )

    judge.check_refused(answer)
    assert "x-evil" not in answer.headers
    assert {path.name for path in folder.iterdir()} <= {"jobs", "keys.json", "voices"}


@pytest.mark.parametrize("file_name", ["../../up.wav", "/etc/passwd", "a\x01.wav", "x" * 2_000, ""])
def test_the_name_of_a_file_names_nothing_here(
    client: TestClient, judge: Judge, folder: Path, file_name: str
) -> None:
    answer = client.post(
        VOICES,
        data={"name": "plain", "consent": "yes", "anyway": "true"},
        files={"audio_sample": (file_name, CLIP, "audio/wav")},
    )

    judge.check_silent(answer)
    assert answer.status_code in (201, 400)  # without a name a part is no file
    assert {path.name for path in folder.iterdir()} <= {"jobs", "keys.json", "voices"}
    client.delete(f"{VOICES}/plain")


def voice() -> bytes:
    """Returns a sound package."""
    return voice_bytes(
        Voice(
            name="nora",
            kind="cloned",
            x_vector=np.ones(16, np.float32),
            hidden_size=16,
            references=(),
            making=Making(),
        )
    )


def tensors_file(header: bytes, data: bytes = b"", length: int | None = None) -> bytes:
    """Returns a safetensors file whose header is what it is told."""
    return struct.pack("<Q", len(header) if length is None else length) + header + data


def tensor(dtype: str, shape: list[int], offsets: list[int]) -> bytes:
    return json.dumps(
        {"x_vector": {"dtype": dtype, "shape": shape, "data_offsets": offsets}}
    ).encode()


def archive(*names: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name in names:
            made.writestr(name, b"escaped")
    return out.getvalue()


def worded(words: object, value: float = 1.0) -> bytes:
    """Returns a file whose metadata are what they are told."""
    text = words if isinstance(words, str) else json.dumps(words)
    return save({"x_vector": np.full(16, value, np.float32)}, {"intone.voice": text})


def packages() -> dict[str, bytes]:
    sound = voice()
    words = {"schema": 1, "kind": "cloned", "references": [], "making": {}}
    return {
        "nothing": b"",
        "eight bytes": bytes(8),
        "half a voice": sound[: len(sound) // 2],
        "a voice without its last byte": sound[:-1],
        "a voice with more behind it": sound + b"more",
        "a header of 2**63 bytes": tensors_file(b"{}", length=2**63),
        "a header beyond the file": tensors_file(b"{}", length=10_000_000),
        "a header of noise": tensors_file(b"\xff" * 64),
        "a header of depth": tensors_file(b"[" * 100_000 + b"]" * 100_000),
        "a header of another form": tensors_file(b"[1, 2]"),
        "a tensor beyond the file": tensors_file(tensor("F32", [16], [0, 64]), bytes(8)),
        "a tensor before its start": tensors_file(tensor("F32", [16], [64, 0]), bytes(64)),
        "a tensor of 2**40 numbers": tensors_file(tensor("F32", [2**40], [0, 64]), bytes(64)),
        "a tensor of negative size": tensors_file(tensor("F32", [-16], [0, 64]), bytes(64)),
        "a tensor of no known type": tensors_file(tensor("Q9", [16], [0, 64]), bytes(64)),
        "tensors without words": save({"x_vector": np.ones(16, np.float32)}),
        "words of a later version": worded({**words, "schema": 99}),
        "words that are no JSON": worded("{"),
        "words of depth": worded("[" * 50_000 + "]" * 50_000),
        "words that lack a field": worded(words),
        "a vector of NaN": worded({**words, "kind": "cloned"}, np.nan),
        "a pickle that runs": b"cos\nsystem\n(S'touch /tmp/escaped'\ntR.",
        "a pickle": pickle.dumps({"x_vector": [1.0]}, protocol=4),
        "a zip that slips": archive("../../../escaped.voice", "/escaped.voice"),
        "a zip like torch's": archive("archive/data.pkl", "archive/version"),
        "a voice and 2 MB": sound + bytes(2_000_000),
    }  # fmt: skip


def imported(client: TestClient, data: bytes, name: str = "taken", file_name: str = "nora.voice"):  # type: ignore[no-untyped-def]
    return client.post(
        IMPORT, data={"name": name}, files={"file": (file_name, data, "application/octet-stream")}
    )


@pytest.mark.parametrize("name", packages())
def test_a_damaged_package_is_refused(client: TestClient, judge: Judge, name: str) -> None:
    judge.check_refused(imported(client, packages()[name]))

    assert client.get(f"{VOICES}/taken").status_code == 404
    assert not Path("/tmp/escaped").exists()


def test_a_sound_package_passes_where_damaged_ones_do_not(client: TestClient) -> None:
    assert imported(client, voice(), "sound").status_code == 201
    assert client.get(f"{VOICES}/sound/package").content == voice()
    assert client.delete(f"{VOICES}/sound").status_code == 200


def test_a_package_beyond_the_limit_is_refused(client: TestClient, judge: Judge) -> None:
    answer = imported(client, voice() + bytes(LIMITS.upload))

    judge.check_refused(answer)
    assert answer.status_code == 413
