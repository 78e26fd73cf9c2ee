"""A row is known again by what decides how it sounds, and its file is safe on any disk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.deploy.offline.sets import MODEL, planned, read_rows, write_rows

from intone.core.types import VoiceClonePrompt
from intone.deploy.offline.planned import Cast, file_of, plan_rows

ROW = {"id": "a", "text": "It is cold.", "voice": "nora"}


@pytest.mark.parametrize(
    "changed",
    [{"text": "It is old."}, {"voice": "ava"}, {"seed": 4}, {"speed": 1.1}, {"temperature": 0.5},
     {"instruct": "softly"}, {"language": "french"}, {"max_frames": 9}, {"guard": False}],
)  # fmt: skip
def test_another_row_has_another_key(changed: dict[str, Any], tmp_path: Path) -> None:
    before, after = planned(tmp_path, [ROW]), planned(tmp_path, [ROW | changed])
    assert before[0].key == planned(tmp_path, [ROW])[0].key
    assert before[0].key != after[0].key
    assert before[0].file == after[0].file


def test_another_model_precision_voice_or_format_has_another_key(tmp_path: Path) -> None:
    rows = read_rows(write_rows(tmp_path / "set.jsonl", [ROW])).rows

    def nora(loud: float) -> Cast:
        return Cast({"nora": VoiceClonePrompt(x_vector=np.full(4, loud, np.float32))})

    plans = [
        plan_rows(rows, nora(1.0), MODEL, "wav"),
        plan_rows(rows, nora(2.0), MODEL, "wav"),
        plan_rows(rows, nora(1.0), replace(MODEL, fingerprint="e"), "wav"),
        plan_rows(rows, nora(1.0), replace(MODEL, dtype="int8"), "wav"),
        plan_rows(rows, nora(1.0), MODEL, "flac"),
    ]
    assert len({plan[0].key for plan in plans}) == len(plans)


def test_a_kept_voice_is_sent_along_and_a_preset_is_not(tmp_path: Path) -> None:
    prompt = VoiceClonePrompt(x_vector=np.ones(4, np.float32))
    cast = Cast({"nora": prompt})
    request = read_rows(write_rows(tmp_path / "set.jsonl", [ROW])).rows[0].request
    assert cast.request(request).voice is prompt
    assert cast.request(replace(request, voice="ava")).voice == "ava"


def test_a_plain_id_is_the_name_of_its_file() -> None:
    assert file_of("utt_0007-b", "flac").endswith("/utt_0007-b.flac")


@pytest.mark.parametrize(
    "id", ["../../etc/passwd", "a/b", "NUL", "con", ".", "ÄÖÜ", "a" * 500, "a\0b", "-x"]
)
def test_any_other_id_gets_a_name_that_stays_inside_and_is_its_own(id: str) -> None:
    head, folder, name = file_of(id, "wav").split("/")
    assert (head, len(folder)) == ("audio", 2)
    assert len(name) < 80
    assert name.removesuffix(".wav").replace("-", "").isalnum()
    assert file_of(id, "wav") != file_of(id + "x", "wav")


@given(st.text(min_size=1), st.text(min_size=1))
def test_two_ids_have_two_files_even_where_case_does_not_count(one: str, other: str) -> None:
    names = {file_of(id, "wav").lower() for id in {one, other}}
    assert len(names) == len({one, other})
