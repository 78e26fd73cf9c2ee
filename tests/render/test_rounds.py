"""A round is on the disk as it is drawn, and one of its places can become another person."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.render.fake_synthesizer import FakeSynthesizer, abilities

from intone.core.errors import EngineStoppedError, InvalidSettingError, UnsupportedModeError
from intone.core.types import Audio, SpeechRequest
from intone.render.rounds import RoundOrder, draw_again, draw_round
from intone.voices.candidates import CandidateFolder

ORDER = RoundOrder(
    description="A calm voice.", text="We left early.", language="english", count=3, seed=5
)


def designer() -> FakeSynthesizer:
    return FakeSynthesizer(abilities("design", can_clone=False))


def test_every_candidate_is_told_when_it_is_on_the_disk(tmp_path: Path) -> None:
    folder, told = CandidateFolder(tmp_path), []
    drawn = draw_round(
        ORDER, designer(), folder, lambda one, take: told.append((folder.get() == one, take.number))
    )
    assert told == [(True, 1), (True, 2), (True, 3)]
    assert folder.get() == drawn
    assert len({one.seed for one in drawn.takes}) == 3


def test_the_same_seed_draws_the_same_candidates_however_many(tmp_path: Path) -> None:
    folder = CandidateFolder(tmp_path)
    few = replace(ORDER, count=1)
    first, second = draw_round(ORDER, designer(), folder), draw_round(few, designer(), folder)
    assert second.takes[0].seed == first.takes[0].seed
    assert second.path(1).read_bytes() == first.path(1).read_bytes()


def test_a_place_is_drawn_again_and_the_others_stay(tmp_path: Path) -> None:
    drawn = draw_round(ORDER, designer(), CandidateFolder(tmp_path))
    sounds = [drawn.path(number).read_bytes() for number in (1, 2, 3)]
    grown = draw_again(drawn, 2, designer())

    assert [one.seed for one in grown.takes][::2] == [one.seed for one in drawn.takes][::2]
    assert grown.take(2).seed != drawn.take(2).seed
    assert [grown.path(n).read_bytes() == sounds[n - 1] for n in (1, 2, 3)] == [True, False, True]
    assert draw_again(drawn, 2, designer()).take(2) == grown.take(2)
    with pytest.raises(InvalidSettingError, match="no candidate 9"):
        draw_again(grown, 9, designer())


def test_what_was_drawn_before_it_was_stopped_stays(tmp_path: Path) -> None:
    class Stopped(FakeSynthesizer):
        def synthesize(self, request: SpeechRequest) -> Audio:
            if len(self.requests) == 2:
                raise EngineStoppedError("stopped.")
            return super().synthesize(request)

    folder = CandidateFolder(tmp_path)
    with pytest.raises(EngineStoppedError):
        draw_round(ORDER, Stopped(abilities("design", can_clone=False)), folder)
    assert [one.number for one in folder.get().takes] == [1, 2]


def test_another_kind_of_model_makes_no_round(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedModeError, match="designed by a VoiceDesign"):
        draw_round(ORDER, FakeSynthesizer(), CandidateFolder(tmp_path))
    assert not list(tmp_path.iterdir())
