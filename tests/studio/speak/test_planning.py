"""From fields to takes: the model of the voice, seeds that repeat, nothing dropped in silence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.studio.speak.speaking_desk import BUILTIN, LARGE, make_desk

from intone.core.errors import EmptyTextError, MarkupError, ModelNotFoundError, RequestError
from intone.core.seeds import derived_seed
from intone.studio.sound.plan import SoundPlan
from intone.studio.speak.order import FieldError
from intone.studio.speak.planning import SpeakPlanner

LONG = " ".join(["The ferry leaves at ten past eight, and it is never late."] * 9)


def plan(tmp_path: Path, **fields: object) -> SoundPlan:
    planner = SpeakPlanner(make_desk(tmp_path, BUILTIN, LARGE))
    return planner({"text": "Hello there.", "voice": "ava", "seed": "7", **fields})


def test_the_voice_chooses_the_model(tmp_path: Path) -> None:
    assert plan(tmp_path).model == "builtin"
    assert plan(tmp_path, voice="ryan").model == "1.7b-custom"


def test_a_short_text_is_the_take_that_say_makes_with_the_seed(tmp_path: Path) -> None:
    (take,) = plan(tmp_path).takes
    assert (take.request.text, take.request.seed, take.written) == (
        "Hello there.",
        7,
        "Hello there.",
    )
    assert take.request.voice == "ava"


def test_without_a_seed_one_is_drawn_and_told(tmp_path: Path) -> None:
    seeds = {plan(tmp_path, seed="").seed for _ in range(3)}
    assert len(seeds) == 3


def test_a_long_text_is_cut_and_its_seeds_follow_from_the_first(tmp_path: Path) -> None:
    made = plan(tmp_path, text=LONG)
    assert len(made.takes) > 1
    seeds = [take.request.seed for take in made.takes]
    assert seeds[:2] == [7, derived_seed(7, "take", 1)]
    assert " ".join(take.written for take in made.takes) == LONG


def test_tags_that_say_knows_work_and_others_are_read(tmp_path: Path) -> None:
    made = plan(tmp_path, text="One. [Pause] [voice:bella] Two [see note].")
    first, second = made.takes
    assert first.gap_after_s == pytest.approx(0.8)
    assert second.request.voice == "bella"
    assert "[see note]" in second.request.text
    with pytest.raises(MarkupError):
        plan(tmp_path, text="[rate:fast] Hello.")


def test_a_model_of_one_language_reads_figures_in_it(tmp_path: Path) -> None:
    english = replace(BUILTIN, languages=("auto", "english"))
    planner = SpeakPlanner(make_desk(tmp_path, english))
    (take,) = planner({"text": "3 cats", "voice": "ava"}).takes
    assert (take.request.text, take.written) == ("three cats", "3 cats")
    assert take.request.language == "auto"


def test_pauses_alone_are_no_text(tmp_path: Path) -> None:
    with pytest.raises(EmptyTextError, match="no word"):
        plan(tmp_path, text="[pause:2s]")


def test_an_instruct_that_the_model_cannot_follow_is_left_out_and_said(tmp_path: Path) -> None:
    made = plan(tmp_path, instruct="slowly")
    assert made.takes[0].request.instruct is None
    assert "left out" in made.remarks[0]
    followed = plan(tmp_path, voice="ryan", instruct="slowly")
    assert followed.takes[0].request.instruct == "slowly"
    assert not followed.remarks


def test_a_voice_whose_model_is_missing_says_what_to_pull(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match="pull"):
        plan(tmp_path, voice="sohee")


def test_sampling_out_of_range_belongs_to_its_fold(tmp_path: Path) -> None:
    with pytest.raises(FieldError, match="temperature") as told:
        plan(tmp_path, temperature="99")
    assert told.value.field == "advanced"


def test_greedy_holds_for_both_networks(tmp_path: Path) -> None:
    request = plan(tmp_path, greedy=True).takes[0].request
    assert request.sampling.greedy
    assert request.predictor_sampling.greedy


def test_what_is_expected_follows_length_and_speed(tmp_path: Path) -> None:
    short, long = plan(tmp_path), plan(tmp_path, text=LONG)
    assert long.expected_s > 5 * short.expected_s
    assert plan(tmp_path, speed=2.0).expected_s == pytest.approx(short.expected_s / 2)


def test_tags_and_speed_together_keep_within_the_range(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="together"):
        plan(tmp_path, text="[rate:2] Hello.", speed=2.0)


def test_whole_takes_are_drawn_in_large_chunks(tmp_path: Path) -> None:
    assert plan(tmp_path, streams=False).takes[0].request.chunk_frames == 24
    assert plan(tmp_path, chunk=4).takes[0].request.chunk_frames == 4
