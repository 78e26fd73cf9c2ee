"""Candidates are on the disk as they are drawn, and no round takes another's place."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import soundfile

from intone.core.errors import InvalidSettingError, VoiceFileError
from intone.core.types import Audio, SpeechTiming
from intone.voices.candidates import CandidateFolder, CandidateRound

NOW = datetime(2026, 11, 24, 14, 0, 5)


def audio(seed: int) -> Audio:
    timing = SpeechTiming(ttfa_s=0.1, wall_s=0.2, audio_s=1.0)
    samples = np.full(24_000, 0.1, np.float32)
    return Audio(
        samples=samples, sample_rate_hz=24_000, finish_reason="stop", seed=seed, timing=timing
    )


def new_round(folder: CandidateFolder, description: str = "A voice.") -> CandidateRound:
    return CandidateRound(
        directory=folder.new_directory(NOW),
        description=description,
        text="Words.",
        language="english",
        model="1.7b-design",
        seed=1,
    )


def test_a_round_is_read_back(tmp_path: Path) -> None:
    folder = CandidateFolder(tmp_path)
    drawn = new_round(folder).with_take(1, audio(2**63 - 1)).with_take(2, audio(8))
    back = folder.get()

    assert back == drawn
    assert (back.name, back.take(2).seed, back.take(1).duration_s) == ("20261124_140005", 8, 1.0)
    assert soundfile.info(back.path(2)).frames == 24_000


def test_a_round_that_was_broken_off_has_what_was_drawn(tmp_path: Path) -> None:
    folder = CandidateFolder(tmp_path)
    new_round(folder).with_take(1, audio(1))

    with pytest.raises(InvalidSettingError, match="has no candidate 2; it has: 1"):
        folder.get().take(2)


def test_rounds_of_one_second_stay_apart_and_the_newest_is_taken(tmp_path: Path) -> None:
    folder = CandidateFolder(tmp_path)
    for i in range(11):
        new_round(folder, f"Voice {i}.").with_take(1, audio(i))
    folder.new_directory(NOW)  # nothing was drawn in it

    assert len(folder.names()) == 11
    assert folder.get().description == "Voice 10."
    assert folder.get("20261124_140005").description == "Voice 0."
    assert folder.get("20261124_140005_2").description == "Voice 1."


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    folder = CandidateFolder(tmp_path)
    with pytest.raises(InvalidSettingError, match="no candidates.*intone voices design"):
        folder.get()
    drawn = new_round(folder).with_take(1, audio(1))
    for name in ("../x", "20200101_000000"):
        with pytest.raises(InvalidSettingError, match="there are: 20261124_140005"):
            folder.get(name)
    (drawn.directory / "round.json").write_text("{}")
    with pytest.raises(VoiceFileError, match="is damaged"):
        folder.get()


def test_a_place_that_is_drawn_again_keeps_its_number(tmp_path: Path) -> None:
    folder = CandidateFolder(tmp_path)
    drawn = new_round(folder).with_take(1, audio(1)).with_take(2, audio(2)).with_take(1, audio(9))

    assert [(one.number, one.seed) for one in drawn.takes] == [(1, 9), (2, 2)]
    assert folder.get() == drawn


def test_a_removed_round_is_gone_and_nothing_else_is(tmp_path: Path) -> None:
    folder = CandidateFolder(tmp_path)
    first = new_round(folder, "One.").with_take(1, audio(1))
    second = new_round(folder, "Two.").with_take(1, audio(2))
    folder.remove(first.name)

    assert folder.names() == (second.name,)
    for name in (first.name, "../voices", ""):
        with pytest.raises(InvalidSettingError, match="no round"):
            folder.remove(name)
