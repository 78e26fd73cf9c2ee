"""Voices over HTTP, on fake models."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from fastapi.testclient import TestClient
from httpx import Response
from safetensors.numpy import save
from tests.server.fakes import HIDDEN_SIZE, FakeSource, abilities, fake_services
from tests.train.speech import silence, speech

from intone.core.types import Samples
from intone.server.app import create_app
from intone.server.services import Services
from intone.server.voices.choosing import model_for_voice
from intone.voices.library import VoiceLibrary
from intone.voices.making import speaker_voice

VOICES = "/v1/audio/voices"
WORDS = "We left early, before the town was awake, and followed the river north."


def bright(duration_s: float) -> Samples:
    """Returns speech with s-sounds, a little silence at both ends."""
    sound = speech(duration_s, seed=0)
    hiss = np.random.default_rng(0).normal(0, 0.01, len(sound)).astype(np.float32)
    hiss *= np.abs(sound) > 0.02
    return np.concatenate([silence(0.1), sound + hiss, silence(0.2)])


def wav(samples: Samples) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, 24_000, format="WAV")
    return file.getvalue()


CLIP = wav(bright(6.0))


@pytest.fixture
def source() -> FakeSource:
    return FakeSource()


@pytest.fixture
def services(tmp_path: Path, source: FakeSource) -> Services:
    return fake_services(tmp_path, source)


@pytest.fixture
def library(services: Services) -> VoiceLibrary:
    return services.library


@pytest.fixture
def client(services: Services) -> Iterator[TestClient]:
    with TestClient(create_app(services), raise_server_exceptions=False) as client:
        yield client


def made(client: TestClient, name: str = "nora", clip: bytes = CLIP, **fields: str) -> Response:
    return client.post(
        VOICES,
        data={"name": name, "consent": "Nora, by mail, for this server"} | fields,
        files={"audio_sample": ("clip.wav", clip)},
    )


def message(answer: Response) -> str:
    return str(answer.json()["error"]["message"])


def test_presets_and_kept_voices_are_listed_with_the_models_that_speak_with_them(
    client: TestClient,
) -> None:
    made(client)
    listed = client.get(VOICES).json()
    assert listed["data"] == listed["voices"]
    found = {voice["id"]: voice for voice in listed["data"]}
    assert found["ryan"]["kind"] == "preset"
    assert found["ryan"]["models"] == ["fake-custom"]
    assert found["nora"]["kind"] == "cloned"
    assert found["nora"]["models"] == ["fake-base"]
    assert all(voice["id"] == voice["name"] for voice in listed["data"])
    assert client.get(f"{VOICES}/NORA").json()["id"] == "nora"
    assert client.get(f"{VOICES}/Ryan").json()["id"] == "ryan"


def test_a_speakers_voice_speaks_with_its_own_model_alone(tmp_path: Path) -> None:
    """Another model may have a preset of that name, and it is another person."""
    models = (abilities("fake-custom"), abilities("my-finetune"))
    services = fake_services(tmp_path, FakeSource(models))
    boss = speaker_voice("boss", "ryan", model="/far/away/my-finetune", hidden_size=HIDDEN_SIZE)
    services.library.put(boss)
    with TestClient(create_app(services)) as client:
        assert client.get(f"{VOICES}/boss").json()["models"] == ["my-finetune"]
    chosen = model_for_voice("boss", services.source, services.library, {})
    assert chosen == "my-finetune"


def test_a_clip_with_its_words_becomes_a_voice_with_its_report(
    client: TestClient, library: VoiceLibrary
) -> None:
    answer = made(client, ref_text=WORDS, language="English", licence="CC0")
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert (body["form"], body["form_reason"], body["language"]) == ("icl", "words", "english")
    assert body["report"]["severity"] in ("fine", "warn")
    assert len(body["report"]["findings"]) >= 8
    kept = library.get("nora")
    assert kept.reference(None) is not None
    assert (kept.consent, kept.licence) == ("Nora, by mail, for this server", "CC0")
    assert made(client, ref_text=WORDS).status_code == 409
    assert (
        made(client, ref_text=WORDS, replace="true", form="x_vector").json()["form"] == "x_vector"
    )


@pytest.mark.parametrize(
    ("fields", "clip", "word"),
    [
        ({"name": "ryan"}, CLIP, "preset"),
        ({"name": "../nora"}, CLIP, "cannot be used"),
        ({"name": "con"}, CLIP, "cannot be used"),
        ({"consent": ""}, CLIP, "consent"),
        ({"language": "klingon"}, CLIP, "klingon"),
        ({"form": "icl"}, CLIP, "ref_text"),
        ({"ref_text": "  "}, CLIP, "ref_text"),
        ({"model": "fake-custom"}, CLIP, "speaker encoder"),
        ({"surprise": "1"}, CLIP, "surprise"),
        ({}, wav(bright(0.5)), "too short"),
        ({}, wav(silence(3.0)), "silent"),
        ({}, b"no audio at all", "cannot be decoded"),
        ({}, b"", "empty"),
        ({}, wav(np.clip(bright(5) * 9, -0.5, 0.5)), "refused"),
        ({}, wav(np.tile(bright(6.0), 11)), "longer than 60 s"),
    ],
)
def test_what_is_no_voice_is_refused_with_its_reason(
    fields: dict[str, str], clip: bytes, word: str, client: TestClient, library: VoiceLibrary
) -> None:
    answer = made(client, **({"clip": clip} | fields))  # type: ignore[arg-type]
    assert answer.status_code == 400, answer.text
    assert word in message(answer)
    assert library.names() == ()


def test_a_refused_clip_is_used_when_it_is_insisted_on(client: TestClient) -> None:
    clipped = wav(np.clip(bright(5) * 9, -0.5, 0.5))
    answer = made(client, clip=clipped, anyway="true")
    assert answer.status_code == 201
    assert answer.json()["report"]["severity"] == "refuse"


def test_consent_must_be_told(client: TestClient) -> None:
    answer = client.post(VOICES, data={"name": "nora"}, files={"audio_sample": ("c", CLIP)})
    assert answer.status_code == 400
    assert "consent" in message(answer)


def test_notes_and_name_are_changed_and_the_voice_is_removed(
    client: TestClient, library: VoiceLibrary
) -> None:
    made(client)
    made(client, "max")
    answer = client.patch(f"{VOICES}/nora", json={"name": "Norah", "licence": "CC0"})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["id"], answer.json()["licence"]) == ("Norah", "CC0")
    assert client.patch(f"{VOICES}/norah", json={"name": "NORAH"}).json()["id"] == "NORAH"
    assert client.patch(f"{VOICES}/norah", json={"name": "Max"}).status_code == 409
    assert client.patch(f"{VOICES}/norah", json={"name": "a/b"}).status_code == 400
    assert client.patch(f"{VOICES}/norah", json={"kind": "preset"}).status_code == 400
    assert client.delete(f"{VOICES}/norah").json()["deleted"] is True
    assert library.names() == ("max",)
    for answer in (client.delete(f"{VOICES}/norah"), client.get(f"{VOICES}/norah")):
        assert answer.status_code == 404


def test_presets_are_not_to_be_changed(client: TestClient) -> None:
    assert client.delete(f"{VOICES}/ryan").status_code == 409
    assert client.patch(f"{VOICES}/ryan", json={"licence": "mine"}).status_code == 409
    assert client.get(f"{VOICES}/ryan/package").status_code == 409


def test_a_package_goes_out_and_comes_in_as_the_same_voice(
    client: TestClient, library: VoiceLibrary
) -> None:
    made(client, ref_text=WORDS)
    package = client.get(f"{VOICES}/nora/package")
    assert "nora.voice" in package.headers["content-disposition"]
    taken = client.post(f"{VOICES}/import", files={"file": ("copy.voice", package.content)})
    assert taken.status_code == 201, taken.text
    assert taken.json()["id"] == "copy"
    assert client.get(f"{VOICES}/copy/package").content == package.content
    again = client.post(f"{VOICES}/import", files={"file": ("copy.voice", package.content)})
    assert again.status_code == 409


def test_an_x_vector_of_another_program_comes_in(client: TestClient, library: VoiceLibrary) -> None:
    vector = np.ones(HIDDEN_SIZE, np.float32)
    data = save({"speaker_embedding": vector})
    taken = client.post(
        f"{VOICES}/import", files={"file": ("speaker.safetensors", data)}, data={"name": "them"}
    )
    assert taken.status_code == 201, taken.text
    assert taken.json()["models"] == ["fake-base"]
    assert np.array_equal(library.get("them").x_vector, vector)


@pytest.mark.parametrize("name", ["v.pt", "v.bin", "v.pth", "v.pkl", "v", "v.voice.exe", ""])
def test_a_pickle_is_not_even_read(name: str, client: TestClient) -> None:
    # Were it unpickled, it would call what it names.
    bomb = b"cos\nsystem\n(S'touch /tmp/intone-was-here'\ntR."
    answer = client.post(f"{VOICES}/import", files={"file": (name, bomb)})
    assert answer.status_code == 400
    assert not Path("/tmp/intone-was-here").exists()


@pytest.mark.parametrize("content", [b"", b"\x00" * 100, b"cos\nsystem\n(S'x'\ntR.", b"PK\x03\x04"])
@pytest.mark.parametrize("suffix", [".voice", ".safetensors"])
def test_a_file_that_is_no_voice_is_refused_without_a_path(
    content: bytes, suffix: str, client: TestClient, tmp_path: Path
) -> None:
    answer = client.post(f"{VOICES}/import", files={"file": (f"v{suffix}", content)})
    assert answer.status_code == 400
    assert "/tmp" not in answer.text


def test_a_damaged_voice_is_listed_and_can_be_removed(
    client: TestClient, library: VoiceLibrary
) -> None:
    made(client)
    library.path("nora").write_bytes(b"broken")
    listed = {voice["id"]: voice for voice in client.get(VOICES).json()["data"]}
    assert "damaged" in listed["nora"]["problem"]
    answer = client.get(f"{VOICES}/nora")
    assert answer.status_code == 409
    assert str(library.directory) not in answer.text
    assert client.delete(f"{VOICES}/nora").status_code == 200


NAMES = (
    "..", "../keys.json", "..%2Fkeys.json", "%2e%2e%2fkeys.json", "%252e%252e%252f", "..%5Ckeys",
    "%00", "nora%00.voice", "/etc/passwd", "%2Fetc%2Fpasswd", "~root", "nora/../nora", ".lock",
    "con", "nul.voice", "a" * 300, "%ff%fe", "nora%0a", "%F0%9F%98%80",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_no_name_leads_out_of_the_folder(name: str, client: TestClient, tmp_path: Path) -> None:
    secret = tmp_path / "keys.json"
    made(client)
    before = sorted(tmp_path.rglob("*"))
    for answer in (
        client.get(f"{VOICES}/{name}"),
        client.get(f"{VOICES}/{name}/package"),
        client.patch(f"{VOICES}/{name}", json={"licence": "x"}),
        client.patch(f"{VOICES}/nora", json={"name": name}),
        client.delete(f"{VOICES}/{name}"),
        client.get(f"{VOICES}/design/{name}/1"),
        client.delete(f"{VOICES}/design/{name}"),
        client.post(f"{VOICES}/design/{name}/1/keep", json={"name": "kept"}),
    ):
        if name in ("nora/../nora", ".."):  # clients fold these before they are sent
            continue
        assert answer.status_code in (400, 404, 405), (name, answer.request.url, answer.text)
        assert str(tmp_path) not in answer.text
    if name not in ("nora/../nora", ".."):
        assert sorted(tmp_path.rglob("*")) == before
    assert not secret.exists()


def designed(client: TestClient, **fields: object) -> dict[str, Any]:
    body = {"description": "A calm, deep voice.", "text": WORDS, "n": 2, "seed": 7} | fields
    answer = client.post(f"{VOICES}/design", json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_description_becomes_candidates_and_one_of_them_a_voice(
    client: TestClient, library: VoiceLibrary, source: FakeSource
) -> None:
    source.behaviours["fake-design"].num_frames = lambda request: 40
    drawn = designed(client)
    assert [one["number"] for one in drawn["candidates"]] == [1, 2]
    assert len({one["seed"] for one in drawn["candidates"]}) == 2
    audio = client.get(drawn["candidates"][1]["audio_url"])
    assert audio.headers["content-type"] == "audio/wav"
    assert len(soundfile.read(io.BytesIO(audio.content))[0]) > 0
    kept = client.post(drawn["candidates"][1]["keep_url"], json={"name": "nora"})
    assert kept.status_code == 201, kept.text
    voice = library.get("nora")
    assert voice.kind == "designed"
    assert voice.making.description == "A calm, deep voice."
    assert voice.making.seed == drawn["candidates"][1]["seed"]
    assert client.post(drawn["candidates"][0]["keep_url"], json={"name": "nora"}).status_code == 409
    assert [one["id"] for one in client.get(f"{VOICES}/design/rounds").json()["data"]] == [
        drawn["id"]
    ]
    assert client.delete(f"{VOICES}/design/{drawn['id']}").status_code == 200
    assert client.get(drawn["candidates"][0]["audio_url"]).status_code == 404


def test_the_same_seed_draws_the_same_candidates(client: TestClient) -> None:
    first, second = designed(client), designed(client)
    assert first["id"] != second["id"]
    sounds = [
        [client.get(one["audio_url"]).content for one in drawn["candidates"]]
        for drawn in (first, second)
    ]
    assert sounds[0] == sounds[1]


@pytest.mark.parametrize(
    ("fields", "word"),
    [({"n": 21}, "n"), ({"description": " "}, "description"), ({"language": "xx"}, "language"),
     ({"model": "fake-base"}, "VoiceDesign"), ({"text": ""}, "text")],
)  # fmt: skip
def test_what_cannot_be_designed_is_told(
    fields: dict[str, object], word: str, client: TestClient
) -> None:
    body = {"description": "A calm voice.", "text": WORDS} | fields
    answer = client.post(f"{VOICES}/design", json=body)
    assert answer.status_code == 400, answer.text
    assert word in message(answer)


def test_without_a_model_that_designs_or_clones_it_is_told(tmp_path: Path) -> None:
    source = FakeSource((abilities("fake-custom"),))
    with TestClient(create_app(fake_services(tmp_path, source))) as client:
        body = {"description": "A calm voice.", "text": WORDS}
        assert client.post(f"{VOICES}/design", json=body).status_code == 404
        assert made(client).status_code == 404


def test_many_designs_at_once_do_not_wait_for_each_others_threads(
    client: TestClient, source: FakeSource
) -> None:
    """Each holds a thread while the loop works for it: more of them than shared threads."""
    source.behaviours["fake-design"].frame_s = 0.001
    answers: list[int] = []

    def design() -> None:
        body = {"description": "A calm voice.", "text": WORDS, "n": 1}
        answers.append(client.post(f"{VOICES}/design", json=body).status_code)

    threads = [threading.Thread(target=design) for _ in range(40)]
    for thread in threads:
        thread.start()
    _until(lambda: len(answers) == len(threads))
    assert set(answers) == {201}


def _until(is_so: Callable[[], bool], limit_s: float = 10.0) -> None:
    deadline_s = time.monotonic() + limit_s
    while not is_so():
        assert time.monotonic() < deadline_s, "it did not come to that"
        time.sleep(0.005)
