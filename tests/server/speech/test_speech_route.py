"""`POST /v1/audio/speech`: fields, formats, headers, events, errors."""

from __future__ import annotations

import base64
import io
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import soundfile
from fastapi.testclient import TestClient
from tests.server.fakes import FakeModel, FakeSource, abilities, fake_services

from intone.core.errors import CapacityError
from intone.core.types import SpeechRequest, VoiceClonePrompt
from intone.server.app import create_app
from intone.server.sections import LimitsSection, SpeechSection
from intone.server.services import Services
from intone.server.settings import Settings

URL = "/v1/audio/speech"
HELLO = {"input": "Hello there.", "voice": "ryan", "seed": 3}
FRAME_BYTES = 1_920 * 2
WORDS = "one two three four five six seven eight nine ten eleven twelve thirteen".split()
LONG = " ".join(f"This is sentence {n} of a text that takes long to say." for n in WORDS * 2)


def said(source: FakeSource, model: str = "fake-custom") -> list[SpeechRequest]:
    return source.counts[model].requests


def wav_bytes(seconds: float = 2.0) -> bytes:
    file = io.BytesIO()
    noise = np.random.default_rng(1).normal(0, 0.1, round(seconds * 24_000))
    soundfile.write(file, noise, 24_000, format="WAV")
    return file.getvalue()


def clip(seconds: float = 2.0) -> str:
    return base64.b64encode(wav_bytes(seconds)).decode()


def error_of(answer: httpx.Response) -> dict[str, Any]:
    found: dict[str, Any] = answer.json()["error"]
    return found


def events(answer: httpx.Response) -> list[dict[str, Any]]:
    blocks = answer.text.split("\n\n")
    assert blocks[-1] == ""
    return [json.loads(block.removeprefix("data: ")) for block in blocks[:-1]]


@pytest.mark.parametrize(
    ("format", "media_type"),
    [
        ("wav", "audio/wav"),
        ("pcm", "audio/pcm"),
        ("mp3", "audio/mpeg"),
        ("opus", "audio/ogg"),
        ("aac", "audio/aac"),
        ("flac", "audio/flac"),
    ],
)
def test_every_format_streams(client: TestClient, format: str, media_type: str) -> None:
    answer = client.post(URL, json={**HELLO, "response_format": format})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == media_type
    assert "content-length" not in answer.headers
    assert len(answer.content) > 200


def test_a_stream_is_the_take_and_its_headers_repeat_it(client: TestClient) -> None:
    answer = client.post(URL, json={**HELLO, "response_format": "pcm"})
    assert answer.headers["x-seed"] == "3"
    assert answer.headers["x-model"] == "fake-custom"
    assert answer.headers["x-voice"] == "ryan"
    assert answer.headers["x-sample-rate"] == "24000"
    assert {"queue", "load", "ttfa"} == {
        part.split(";")[0].strip() for part in answer.headers["server-timing"].split(",")
    }
    assert len(answer.content) == 4 * FRAME_BYTES
    again = client.post(URL, json={**HELLO, "response_format": "pcm"})
    other = client.post(URL, json={**HELLO, "response_format": "pcm", "seed": 4})
    assert again.content == answer.content != other.content


def test_a_seed_is_drawn_where_none_is_given_and_repeats_the_take(client: TestClient) -> None:
    body = {"input": "Hello.", "response_format": "pcm"}
    first = client.post(URL, json=body)
    again = client.post(URL, json={**body, "seed": int(first.headers["x-seed"])})
    assert first.content == again.content
    assert client.post(URL, json=body).headers["x-seed"] != first.headers["x-seed"]


@pytest.mark.parametrize("format", ["wav", "pcm", "mp3", "opus", "aac", "flac"])
def test_a_whole_answer_has_its_length_and_says_how_it_ended(
    client: TestClient, format: str
) -> None:
    answer = client.post(URL, json={**HELLO, "response_format": format, "stream": False})
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert answer.headers["x-finish-reason"] == "stop"
    assert float(answer.headers["x-audio-duration"]) == pytest.approx(0.32)
    if format in ("wav", "flac"):
        assert soundfile.info(io.BytesIO(answer.content)).frames == 4 * 1_920


def test_mp3_is_the_format_of_those_who_name_none(client: TestClient) -> None:
    assert client.post(URL, json=HELLO).headers["content-type"] == "audio/mpeg"


def test_without_pyav_a_format_comes_whole_and_a_stream_of_it_names_the_extra(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    answer = client.post(URL, json=HELLO)
    assert answer.headers["content-type"] == "audio/mpeg"
    assert answer.headers["x-finish-reason"] == "stop"
    refused = client.post(URL, json={**HELLO, "stream": True})
    assert refused.status_code == 501
    assert "intone[codecs]" in error_of(refused)["message"]


def test_founding_document_003_gets_a_pcm_stream(client: TestClient, source: FakeSource) -> None:
    body = {"text": "Hello world.", "language": "English", "speaker": "Vivian"}
    answer = client.post(URL, json=body)
    assert answer.headers["content-type"] == "audio/L16;rate=24000;channels=1"
    assert len(answer.content) % FRAME_BYTES == 0
    request = said(source)[0]
    assert (request.text, request.voice, request.language) == ("Hello world.", "Vivian", "english")


def test_events_carry_the_sound_and_then_all_that_only_the_end_knows(client: TestClient) -> None:
    body = {**HELLO, "response_format": "pcm"}
    answer = client.post(URL, json={**body, "stream_format": "sse"})
    *deltas, done = events(answer)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert {event["type"] for event in deltas} == {"speech.audio.delta"}
    sound = b"".join(base64.b64decode(event["audio"]) for event in deltas)
    assert sound == client.post(URL, json=body).content
    assert done == {
        "type": "speech.audio.done",
        "usage": {"input_tokens": 12, "output_tokens": 4, "total_tokens": 16},
        "finish_reason": "stop",
        "seed": 3,
        "duration_s": 0.32,
        "num_takes": 1,
    }


def test_an_error_after_the_start_is_an_event(client: TestClient, source: FakeSource) -> None:
    behaviour = source.behaviours["fake-custom"]
    behaviour.fail_at_frame = 2
    behaviour.error = lambda: CapacityError("the cache in /root/models is full; try again.")
    answer = client.post(URL, json={**HELLO, "response_format": "pcm", "stream_format": "sse"})
    *_, last = events(answer)
    assert (last["type"], last["error"]["code"]) == ("error", "busy")
    assert "/root" not in answer.text


def test_an_error_before_the_first_sound_has_its_status(
    client: TestClient, source: FakeSource
) -> None:
    source.behaviours["fake-custom"].fail_at_frame = 0
    source.behaviours["fake-custom"].error = lambda: CapacityError("full")
    for stream_format in ("audio", "sse"):
        answer = client.post(URL, json={**HELLO, "stream_format": stream_format})
        assert (answer.status_code, error_of(answer)["code"]) == (503, "busy")
        assert int(answer.headers["retry-after"]) >= 1


def test_a_crash_before_the_first_sound_is_a_500_without_an_inside(
    client: TestClient, source: FakeSource
) -> None:
    source.behaviours["fake-custom"].fail_at_frame = 0
    answer = client.post(URL, json=HELLO)
    assert answer.status_code == 500
    assert "secret" not in answer.text


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"shout": True}, "shout"),
        ({"seed": "7"}, "seed"),
        ({"seed": -1}, "seed"),
        ({"temperature": 0}, "temperature"),
        ({"top_p": 1.5}, "top_p"),
        ({"top_k": -1}, "top_k"),
        ({"speed": 4.0}, "speed"),
        ({"response_format": "midi"}, "response_format"),
        ({"chunk_frames": 0}, "chunk_frames"),
        ({"language": "klingon"}, "language"),
        ({"voice": "nobody"}, "voice"),
        ({"voice": {"name": "ryan"}}, None),
        ({"input": "  ...  "}, "input"),
        ({"input": None}, None),
        ({"text": "twice"}, None),
        ({"instructions": "a", "instruct": "b"}, None),
        ({"max_frames": 1, "max_new_tokens": 1}, None),
        ({"ref_text": "words without a clip"}, None),
    ],
)
def test_what_does_not_fit_is_refused_by_name(
    client: TestClient, source: FakeSource, change: dict[str, Any], param: str | None
) -> None:
    answer = client.post(URL, json={**HELLO, **change})
    assert answer.status_code == 400, answer.text
    assert param is None or error_of(answer)["param"] == param
    assert source.frames_made == 0


def test_half_a_character_is_refused(client: TestClient) -> None:
    answer = client.post(
        URL, content=b'{"input": "a\\ud800b"}', headers={"content-type": "application/json"}
    )
    assert answer.status_code == 400
    assert "surrogate" in error_of(answer)["message"]


def test_a_text_beyond_the_limit_is_told_both_numbers(
    client: TestClient, services: Services
) -> None:
    answer = client.post(URL, json={**HELLO, "input": "word " * 3_000})
    assert answer.status_code == 413
    assert "15000" in error_of(answer)["message"]
    assert "/v1/audio/jobs" in error_of(answer)["message"]


def test_every_extended_field_reaches_the_model(client: TestClient, source: FakeSource) -> None:
    client.post(
        URL,
        json={
            **HELLO,
            "voice": {"id": "vivian"},
            "instructions": "softly",
            "language": "de",
            "speed": 1.5,
            "temperature": 0.5,
            "top_p": 0.8,
            "top_k": 20,
            "repetition_penalty": 1.1,
            "max_new_tokens": 9,
            "chunk_frames": 2,
            "task_type": "CustomVoice",
        },
    )
    request = said(source)[0]
    assert (request.voice, request.instruct, request.language) == ("vivian", "softly", "german")
    assert (request.speed, request.max_frames, request.chunk_frames) == (1.5, 9, 2)
    drawn = request.sampling
    assert (drawn.temperature, drawn.top_p, drawn.top_k) == (0.5, 0.8, 20)
    assert drawn.repetition_penalty == 1.1


@pytest.mark.parametrize(("name", "preset"), [("alloy", "ryan"), ("Nova", "vivian")])
def test_voices_of_openai_stand_for_presets(
    client: TestClient, source: FakeSource, name: str, preset: str
) -> None:
    answer = client.post(URL, json={**HELLO, "voice": name})
    assert answer.headers["x-voice"] == preset
    assert said(source)[0].voice == preset


def test_the_map_of_voices_is_the_settings(tmp_path: Path) -> None:
    settings = Settings(speech=SpeechSection(voice_map={"alloy": "serena", "boss": "aiden"}))
    with TestClient(create_app(fake_services(tmp_path, settings=settings))) as client:
        for name, preset in (("alloy", "serena"), ("boss", "aiden")):
            assert client.post(URL, json={**HELLO, "voice": name}).headers["x-voice"] == preset


def test_a_model_with_other_presets_gives_every_voice_of_openai_one_of_them(
    tmp_path: Path,
) -> None:
    source = FakeSource((replace(abilities("box"), voices=("ava", "michael")),))
    source.models["box"] = replace(source.models["box"], voices=("ryan", "vivian"))
    settings = Settings(speech=SpeechSection(voice_map={"alloy": "not-there"}))
    with TestClient(create_app(fake_services(tmp_path, source, settings))) as client:
        voices = {
            client.post(URL, json={**HELLO, "voice": name}).headers["x-voice"]
            for name in ("alloy", "ash", "nova", "verse")
        }
    assert voices == {"ryan", "vivian"}


def test_a_design_model_speaks_as_its_instructions_say_whatever_voice_a_client_must_name(
    client: TestClient, source: FakeSource
) -> None:
    body = {**HELLO, "voice": "alloy", "model": "fake-design", "instructions": "An old man."}
    assert client.post(URL, json=body).status_code == 200
    request = said(source, "fake-design")[0]
    assert (request.voice, request.instruct) == (None, "An old man.")


def test_openais_model_names_are_the_default_and_others_must_be_here(
    client: TestClient, source: FakeSource
) -> None:
    for name in ("tts-1", "tts-1-hd", "gpt-4o-mini-tts", None, "fake-custom"):
        answer = client.post(URL, json={**HELLO, "model": name})
        assert answer.headers["x-model"] == "fake-custom"
    answer = client.post(URL, json={**HELLO, "model": "tts-9"})
    assert (answer.status_code, error_of(answer)["param"]) == (404, "model")


def test_a_voice_that_the_default_model_lacks_finds_the_model_that_has_it(tmp_path: Path) -> None:
    other = replace(abilities("fake-other"), voices=("nora",))
    source = FakeSource((abilities("fake-custom"), other))
    source.behaviours["fake-other"].num_frames = lambda request: 1
    with TestClient(create_app(fake_services(tmp_path, source))) as client:
        assert client.get("/v1/models").json()["data"][0]["id"] == "fake-custom"
        for voice, model in (("nora", "fake-other"), ("ryan", "fake-custom")):
            answer = client.post(URL, json={**HELLO, "voice": voice, "model": "tts-1"})
            assert (answer.status_code, answer.headers.get("x-model")) == (200, model), answer.text


def test_a_task_type_finds_its_model_and_fits_the_one_that_is_named(client: TestClient) -> None:
    body = {"input": "Hello.", "instructions": "An old man.", "task_type": "VoiceDesign"}
    assert client.post(URL, json=body).headers["x-model"] == "fake-design"
    answer = client.post(URL, json={**body, "model": "fake-custom"})
    assert (answer.status_code, error_of(answer)["code"]) == (400, "unsupported_mode")


@pytest.mark.parametrize("prefix", ["", "data:audio/wav;base64,"])
def test_a_clip_is_cloned_by_a_model_that_can(
    client: TestClient, source: FakeSource, prefix: str
) -> None:
    body = {"input": "Hello.", "voice": "alloy", "ref_audio": prefix + clip(), "ref_text": "Hi."}
    answer = client.post(URL, json=body)
    assert answer.headers["x-model"] == "fake-base"
    voice = said(source, "fake-base")[0].voice
    assert isinstance(voice, VoiceClonePrompt)
    assert voice.ref_text == "Hi."
    client.post(URL, json={**body, "x_vector_only_mode": True})
    voice = said(source, "fake-base")[1].voice
    assert isinstance(voice, VoiceClonePrompt)
    assert not voice.is_icl


def test_a_clip_is_encoded_once_and_again_only_for_other_words(
    client: TestClient, source: FakeSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str | None] = []
    clone = FakeModel.clone

    def counted(self: FakeModel, ref_audio: Any, ref_text: Any = None, **how: Any) -> Any:
        made.append(ref_text)
        return clone(self, ref_audio, ref_text, **how)

    monkeypatch.setattr(FakeModel, "clone", counted)
    for words in ("Hi.", "Hi.", "Ho.", "Hi."):
        body = {"input": "Hello.", "ref_audio": clip(), "ref_text": words}
        assert client.post(URL, json=body).status_code == 200
    assert made == ["Hi.", "Ho."]


@pytest.mark.parametrize(
    ("ref_audio", "message"),
    [
        ("not base64!", "not base64"),
        ("data:audio/wav,abc", "without base64"),
        (base64.b64encode(b"no sound at all").decode(), "cannot be decoded"),
        ("https://example.org/clip.wav", "fetches none"),
        ("file:///etc/passwd", "not base64"),
        ("/etc/passwd", "not base64"),
        ("", "is empty"),
    ],
)
def test_a_clip_that_is_none_is_refused(
    client: TestClient, source: FakeSource, ref_audio: str, message: str
) -> None:
    answer = client.post(URL, json={"input": "Hello.", "ref_audio": ref_audio})
    assert (answer.status_code, error_of(answer)["param"]) == (400, "ref_audio")
    assert message in error_of(answer)["message"]
    assert source.frames_made == 0


def test_a_clip_longer_than_the_settings_allow_is_refused(tmp_path: Path) -> None:
    settings = Settings(limits=LimitsSection(clip_s=3.0))
    with TestClient(create_app(fake_services(tmp_path, settings=settings))) as client:
        assert client.post(URL, json={"input": "Hi.", "ref_audio": clip(2.5)}).status_code == 200
        answer = client.post(URL, json={"input": "Hi.", "ref_audio": clip(3.5)})
    assert "3.5 s; allowed: 3 s" in error_of(answer)["message"]


def test_a_clip_beside_a_voice_is_refused(client: TestClient) -> None:
    answer = client.post(URL, json={"input": "Hi.", "voice": "ryan", "ref_audio": clip()})
    assert "give one of them" in error_of(answer)["message"]


def test_a_long_text_is_one_stream_of_several_takes_with_one_voice(
    client: TestClient, source: FakeSource
) -> None:
    body = {**HELLO, "input": LONG, "response_format": "pcm"}
    answer = client.post(URL, json={**body, "stream_format": "sse"})
    done = events(answer)[-1]
    requests = said(source)
    assert done["num_takes"] == len(requests) > 2
    assert " ".join(request.text for request in requests) == LONG
    assert {request.voice for request in requests} == {"ryan"}
    assert requests[0].seed == 3
    assert len({request.seed for request in requests}) == len(requests)
    sound = client.post(URL, json=body).content
    spoken_s = done["usage"]["output_tokens"] * 0.08
    assert done["duration_s"] == pytest.approx(len(sound) / 48_000, abs=0.01)
    assert spoken_s < done["duration_s"] < spoken_s + 0.4 * len(requests)
    assert sound == client.post(URL, json=body).content


def test_a_design_draws_one_person_for_a_long_text(client: TestClient, source: FakeSource) -> None:
    client.post(URL, json={"input": LONG, "model": "fake-design", "instruct": "An old man."})
    assert len(said(source, "fake-design")) == 1


def test_a_limit_of_frames_holds_over_all_takes(client: TestClient, source: FakeSource) -> None:
    source.behaviours["fake-custom"].num_frames = lambda request: min(
        10, request.max_frames or 10_000
    )
    body = {**HELLO, "input": LONG, "max_frames": 25, "stream_format": "sse"}
    done = events(client.post(URL, json={**body, "response_format": "pcm"}))[-1]
    assert done["usage"]["output_tokens"] == 25
    assert done["finish_reason"] == "length"
    assert [request.max_frames for request in said(source)] == [25, 15, 5]


def test_a_kept_default_voice_and_language_hold_where_a_request_names_none(tmp_path: Path) -> None:
    source = FakeSource()
    settings = Settings(speech=SpeechSection(voice="serena", language="german", instruct="Calm."))
    with TestClient(create_app(fake_services(tmp_path, source, settings))) as client:
        client.post(URL, json={"input": "Hallo."})
    request = said(source)[0]
    assert (request.voice, request.language, request.instruct) == ("serena", "german", "Calm.")


def test_a_take_is_counted_with_how_it_ended(client: TestClient) -> None:
    client.post(URL, json=HELLO)
    figures = client.get("/metrics").text
    assert (
        'intone_requests_total{finish_reason="stop",route="/v1/audio/speech",status="200"} 1.0'
        in figures
    )
    assert 'intone_ttfa_seconds_count{route="/v1/audio/speech"} 1.0' in figures
    assert 'intone_audio_seconds_total{route="/v1/audio/speech"} 0.32' in figures


def test_a_model_whose_engine_died_is_there_again_for_the_next_request(
    client: TestClient, source: FakeSource
) -> None:
    client.post(URL, json=HELLO)
    source.opened[0].is_dead = True
    died = client.post(URL, json=HELLO)
    assert (died.status_code, error_of(died)["code"]) == (503, "restarting")
    assert client.post(URL, json=HELLO).status_code == 200
    assert source.counts["fake-custom"].opens == 2


def test_figures_are_spoken_as_words_unless_a_request_wants_them_as_they_are(
    client: TestClient, source: FakeSource
) -> None:
    body = {**HELLO, "input": "It costs 3 dollars.", "language": "english"}
    client.post(URL, json=body)
    client.post(URL, json={**body, "normalise": "off"})
    assert [request.text for request in said(source)] == [
        "It costs three dollars.",
        "It costs 3 dollars.",
    ]


def test_brackets_are_read_unless_tags_are_asked_for(
    client: TestClient, source: FakeSource
) -> None:
    text = "One. [pause:1s] [rate:1.5] Two [see note]. [lang:fr] Trois. [pause:0.5s]"
    body = {**HELLO, "input": text, "response_format": "pcm", "stream": False}
    client.post(URL, json=body)
    assert [request.text for request in said(source)] == [text]
    said(source).clear()
    answer = client.post(URL, json={**body, "markup": "auto"})
    assert [(request.text, request.speed, request.language) for request in said(source)] == [
        ("One.", 1.0, "auto"),
        ("Two [see note].", 1.5, "auto"),
        ("Trois.", 1.5, "french"),
    ]
    samples = np.frombuffer(answer.content, "<i2")
    quiet = np.diff(np.flatnonzero(np.abs(samples) > 100)).max() / 24_000
    assert quiet == pytest.approx(1.0, abs=0.05)
    assert not samples[-round(0.45 * 24_000) :].any()


def test_a_tag_changes_the_voice_only_where_that_was_asked_for(
    client: TestClient, source: FakeSource
) -> None:
    body = {**HELLO, "input": "I am Ryan. [voice:vivian] And I am not."}
    refused = client.post(URL, json={**body, "markup": "auto"})
    assert error_of(refused)["code"] == "bad_markup"
    assert '"markup": "voices"' in error_of(refused)["message"]
    assert client.post(URL, json={**body, "markup": "voices"}).status_code == 200
    assert [request.voice for request in said(source)] == ["ryan", "vivian"]
    nobody = {**body, "input": "[voice:nobody] Hi.", "markup": "voices"}
    assert error_of(client.post(URL, json=nobody))["param"] == "voice"


def test_silence_has_a_limit_too(client: TestClient, source: FakeSource) -> None:
    body = {**HELLO, "input": "One. " + "[pause:60s] " * 6 + "Two.", "markup": "auto"}
    answer = client.post(URL, json=body)
    assert "360 s of silence; allowed: 300" in error_of(answer)["message"]
    assert source.frames_made == 0


def test_an_answer_that_would_be_too_long_to_hold_is_refused(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("intone.server.speech.speaking.MAX_WHOLE_S", 0.2)
    answer = client.post(URL, json={**HELLO, "stream": False})
    assert (answer.status_code, error_of(answer)["code"]) == (413, "text_too_long")
    assert client.post(URL, json={**HELLO, "stream": True}).status_code == 200


def test_only_the_first_take_of_a_request_has_a_first_audio_and_it_counts_the_load(
    client: TestClient, source: FakeSource
) -> None:
    source.behaviours["fake-custom"].load_s = 0.05
    client.post(URL, json={**HELLO, "input": LONG})
    figures = dict(
        line.rsplit(" ", 1)
        for line in client.get("/metrics").text.splitlines()
        if line.startswith("intone_ttfa_seconds_")
    )
    route = '{route="/v1/audio/speech"}'
    assert float(figures[f"intone_ttfa_seconds_count{route}"]) == 1
    assert float(figures[f"intone_ttfa_seconds_sum{route}"]) > 0.05
