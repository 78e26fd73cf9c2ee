"""A voice is tried by one sentence, which is drawn once."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.studio.voices.people_desk import KEY, fakes, kept_voice, make_desk

from intone.core.errors import InvalidSettingError, ModelNotFoundError, UnknownVoiceError
from intone.render.sidecar import read_take_record
from intone.studio.parts.voice_samples import SENTENCES, sample_of


def test_a_sample_is_drawn_once_and_kept_beside_the_takes_with_its_record(tmp_path: Path) -> None:
    desk = make_desk(tmp_path)
    first = asyncio.run(sample_of(desk, KEY, "ava"))
    again = asyncio.run(sample_of(desk, KEY, "Ava"))

    assert (first, fakes(desk).leased) == (again, ["fake-custom"])
    assert first.parent == tmp_path / "takes" / KEY / "voice-samples"
    record = read_take_record(first.with_suffix(".json"))
    assert (record.mode, record.voice.kind, record.voice.name) == ("studio-sample", "preset", "ava")
    assert record.text == SENTENCES["english"]


def test_a_kept_voice_speaks_its_language_and_a_new_clip_is_a_new_sample(tmp_path: Path) -> None:
    desk = make_desk(tmp_path)
    desk.library.put(kept_voice("nora", moods=("angry",)))
    first = asyncio.run(sample_of(desk, KEY, "nora"))
    mood = asyncio.run(sample_of(desk, KEY, "nora", "Angry"))
    desk.library.put(kept_voice("nora"), replace=True)
    other = asyncio.run(sample_of(desk, KEY, "nora"))

    assert len({first, mood, other}) == 3
    assert read_take_record(mood.with_suffix(".json")).voice.mood == "angry"
    with pytest.raises(InvalidSettingError, match="no mood 'angry'"):
        asyncio.run(sample_of(desk, KEY, "nora", "angry"))


def test_a_voice_that_nobody_speaks_with_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnknownVoiceError, match="unknown here"):
        asyncio.run(sample_of(make_desk(tmp_path), KEY, "nobody"))
    desk = make_desk(tmp_path, "custom")
    desk.library.put(kept_voice("nora"))
    with pytest.raises(ModelNotFoundError, match="under System"):
        asyncio.run(sample_of(desk, KEY, "nora"))
