"""What is written beside a take comes back exactly, or is refused in words."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from tests.render.records import REQUEST, record

from intone.core.errors import RecordError
from intone.core.types import SpeechRequest, VoiceClonePrompt
from intone.render.hashes import pcm16_sha256, prompt_sha256
from intone.render.sidecar import RequestRecord, TakeRecord, read_take_record


def test_a_record_comes_back_exactly() -> None:
    kept = record()

    assert TakeRecord.parse(kept.json(), "x.json") == kept


def test_a_request_comes_back_whole_and_with_its_voice() -> None:
    again = TakeRecord.parse(record().json(), "x.json").request.request(REQUEST.voice)

    assert again == REQUEST


def test_every_field_of_a_request_is_kept() -> None:
    kept = {field.name for field in fields(RequestRecord)} | {"voice"}

    assert kept == {field.name for field in fields(SpeechRequest)}


def test_the_spoken_text_stands_beside_the_written_one() -> None:
    kept = record()

    assert (kept.text, kept.spoken_text) == ('20 "words".', 'Twenty "words".')


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema": 7}, "schema 7; this version reads 1"),
        ({"schema": None}, "has no schema number"),
        ({"mode": 3}, "mode is 3; expected str"),
        ({"notes": "words"}, "notes is 'words'"),
        ({"notes": [1]}, r"notes\[0\] is 1; expected str"),
        ({"extra": 1}, "unknown field 'extra'"),
        ({"segments": []}, "about a whole, not about one take"),
        ({"is_streamed": 1}, "is_streamed is 1; expected bool"),
    ],
)
def test_another_file_is_refused(change: dict[str, object], message: str) -> None:
    data = json.loads(record().json()) | change

    with pytest.raises(RecordError, match=message):
        TakeRecord.parse(json.dumps(data), "x.json")


def test_a_missing_field_is_named_with_its_place() -> None:
    data = json.loads(record().json())
    del data["request"]["seed"]

    with pytest.raises(RecordError, match=r"x\.json, request lacks the field 'seed'"):
        TakeRecord.parse(json.dumps(data), "x.json")


@pytest.mark.parametrize("text", [b"", b"[]", b"\xff\xfe", b'{"schema": 1', b"RIFF"])
def test_what_is_no_record_is_refused(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(text)

    with pytest.raises(RecordError, match=r"x\.json"):
        read_take_record(path)


def test_a_missing_record_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="No such file"):
        read_take_record(tmp_path / "x.json")


def test_a_hash_changes_with_every_part_of_a_voice() -> None:
    prompt = VoiceClonePrompt(
        x_vector=np.ones(4, np.float32), ref_codes=np.zeros((3, 2), np.int64), ref_text="a"
    )
    others = [
        prompt,
        replace(prompt, x_vector=np.zeros(4, np.float32)),
        replace(prompt, ref_codes=np.ones((3, 2), np.int64)),
        replace(prompt, ref_codes=np.zeros((2, 3), np.int64)),
        replace(prompt, ref_codes=None),
        replace(prompt, ref_text="b"),
    ]

    assert len({prompt_sha256(other) for other in others}) == len(others)


def test_a_hash_of_samples_is_that_of_the_wav_file() -> None:
    samples = np.array([0.0, 0.5, -1.0], np.float32)

    assert pcm16_sha256(samples) == pcm16_sha256(samples + np.float32(1e-7))
    assert pcm16_sha256(samples) != pcm16_sha256(samples + np.float32(1e-3))
