"""From a plan on disk to codes, lessons and batches."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from intone.models.config import ModelConfig
from intone.train.from_scratch.batches import SPELT_DELAY, BatchSettings, batches, make_batch
from intone.train.from_scratch.clips import ENERGY_STEPS, Plan, Symbols, read_plans, shard_paths
from intone.train.from_scratch.lessons import LessonReader, SequenceMaker, text_row
from intone.train.from_scratch.letters import Letters
from intone.train.from_scratch.recipe import NUM_CODEBOOKS, PHONEMES, model_json
from intone.train.from_scratch.spelling import Speller, write_spelling
from intone.train.from_scratch.student import Student, write_plans

TEXTS, SAID = ["The night of the net.", "A net."], ["ðə nˈIt ʌvðə nˈɛt.", "ə nˈɛt."]


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("plans")
    torch.manual_seed(0)
    student = Student(width=8, layers=2).eval()
    for voice in ("af_heart", "am_michael"):
        write_plans(student, TEXTS, SAID, voice, root / voice / "text_0000.npz")
    return root


@pytest.fixture(scope="module")
def reader() -> LessonReader:
    words = [("night", "nIt"), ("net", "nɛt"), ("the", "ðə"), ("of", "ʌv"), ("a", "ə")]
    return LessonReader(Symbols(PHONEMES), Letters(words))


def all_plans(root: Path) -> list[Plan]:
    return [plan for path in shard_paths(root, "text") for plan in read_plans(path)]


def test_codes_tell_the_speaker_in_the_last_codebook_only(plans: Path) -> None:
    ava, *_, michael = all_plans(plans)
    symbols = Symbols(PHONEMES)

    assert (ava.speaker, michael.speaker) == ("ava", "michael")
    assert ava.codes(symbols).shape == (ava.num_frames, NUM_CODEBOOKS)
    assert (ava.codes(symbols)[:, 5] // ENERGY_STEPS == 0).all()
    assert (michael.codes(symbols)[:, 5] // ENERGY_STEPS == 2).all()


def test_a_lesson_knows_what_each_letter_says(plans: Path, reader: LessonReader) -> None:
    lesson = reader.read(all_plans(plans)[0])
    ids = Symbols(PHONEMES).ids("nˈIt")

    start = lesson.text.index("night")
    assert lesson.sounds[start] == ids[0]
    assert lesson.sounds[start + 1] == ids[1]
    assert (np.diff(lesson.track) >= 0).all()
    assert len(lesson.track) == len(lesson.codes) + 1


@pytest.fixture(scope="module")
def maker(tmp_path_factory: pytest.TempPathFactory) -> tuple[SequenceMaker, ModelConfig]:
    work = tmp_path_factory.mktemp("work")
    ids = write_spelling(work, TEXTS * 10, 8)
    config = ModelConfig.from_dict(json.loads(json.dumps(model_json(ids, max(ids.values()) + 1))))
    return SequenceMaker(config, Speller(work, dropout=0.2)), config


@pytest.mark.parametrize("layout", ["at_once", "per_frame"])
def test_a_batch_asks_for_every_frame_once_and_for_the_end(
    plans: Path, reader: LessonReader, maker: tuple[SequenceMaker, ModelConfig], layout: str
) -> None:
    make, config = maker
    lesson = reader.read(all_plans(plans)[0])
    item = make.make(lesson, layout, False)  # type: ignore[arg-type]
    batch = make_batch([item], config.talker.codec_eos_id)

    asked = batch.targets[0] >= 0
    assert batch.targets[0][asked].tolist() == [*lesson.codes[:, 0], config.talker.codec_eos_id]
    first = text_row(item.prompt, item.layout, 0)
    assert batch.spelt[0, first + SPELT_DELAY, 0] == lesson.sounds[0]
    assert not batch.allowed[0].triu(1).any()


def test_joined_lessons_keep_their_speaker(
    plans: Path, reader: LessonReader, maker: tuple[SequenceMaker, ModelConfig]
) -> None:
    make, config = maker
    lessons = [reader.read(plan) for plan in all_plans(plans)]
    settings = BatchSettings(join_share=1.0, max_frames=10_000)
    (batch,) = batches(lessons, make, settings, config.talker.codec_eos_id)

    assert len(batch.text_ids) == 2
    for frames in batch.frames:
        assert len((frames[frames[:, 5] >= 0][:, 5] // ENERGY_STEPS).unique()) == 1
