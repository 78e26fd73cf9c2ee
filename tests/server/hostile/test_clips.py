"""Broken clips and decoder bombs, by both ways on which a clip comes."""

from __future__ import annotations

import base64
import resource

import pytest
from fastapi.testclient import TestClient
from tests.server.hostile.checking import Judge
from tests.server.hostile.clips import corpus, encoded
from tests.train.speech import speech

CLIPS = corpus()


def spoken_with(client: TestClient, clip: bytes):  # type: ignore[no-untyped-def]
    body = {
        "model": "fake-base",
        "input": "Hello.",
        "task_type": "Base",
        "ref_audio": base64.b64encode(clip).decode(),
        "x_vector_only_mode": True,
    }
    return client.post("/v1/audio/speech", json=body)


def kept_from(client: TestClient, clip: bytes, name: str):  # type: ignore[no-untyped-def]
    return client.post(
        "/v1/audio/voices",
        data={"name": name, "consent": "yes", "anyway": "true"},
        files={"audio_sample": ("clip.wav", clip, "audio/wav")},
    )


def test_the_corpus_is_large_enough() -> None:
    assert len(CLIPS) >= 40


def test_a_sound_clip_passes_where_broken_ones_do_not(client: TestClient) -> None:
    clip = encoded(speech(6.0), 24_000, "WAV")

    assert spoken_with(client, clip).status_code == 200
    assert kept_from(client, clip, "good").status_code in (200, 201)


@pytest.mark.parametrize("name", CLIPS)
def test_a_broken_clip_is_refused_in_a_request(client: TestClient, judge: Judge, name: str) -> None:
    judge.check_refused(spoken_with(client, CLIPS[name]))


@pytest.mark.parametrize("name", CLIPS)
def test_a_broken_clip_makes_no_voice(client: TestClient, judge: Judge, name: str) -> None:
    judge.check_refused(kept_from(client, CLIPS[name], "broken"))

    assert client.get("/v1/audio/voices/broken").status_code == 404


def test_bombs_do_not_fill_memory(client: TestClient) -> None:
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for name in CLIPS:
        if "bomb" in name:
            spoken_with(client, CLIPS[name])
    grown_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb

    assert grown_kb < 250_000
