"""Every row once an epoch, within the budget; the form of a row by declared rates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.train import tiny

from intone.core.errors import DatasetError, InvalidSettingError
from intone.core.types import ModelKind
from intone.models.checkpoint import Checkpoint
from intone.prompt.tokenizer import TextTokenizer
from intone.train.encoded import EncodedRow
from intone.train.tuning.batches import BatchPlan, collate, split_by_budget
from intone.train.tuning.sequences import SequenceMaker, training_config
from intone.train.tuning.settings import TrainSettings, VariantRates

MakeMaker = Callable[..., SequenceMaker]


@pytest.fixture
def make_maker(tiny_checkpoint: Callable[[ModelKind], Path]) -> MakeMaker:
    def make(rows: list[EncodedRow], kind: ModelKind = "base", **settings: object) -> SequenceMaker:
        directory = tiny_checkpoint(kind)
        chosen = tiny.settings(**settings)
        new = {"nora": 1016, "omar": 1017} if chosen.target == "custom" else {}
        config = training_config(Checkpoint(directory).config, chosen.target, new)
        return SequenceMaker(config, TextTokenizer.from_dir(directory), rows, chosen)

    return make


def test_every_row_is_seen_once_an_epoch(make_maker: MakeMaker) -> None:
    plan = BatchPlan(make_maker([tiny.encoded(i) for i in range(11)]), 4, 200, seed=3)
    assert plan.steps_per_epoch == 3
    epochs = [
        sorted(row for step in steps for row in plan.rows_of(step)[1])
        for steps in (range(3), range(3, 6))
    ]
    assert epochs == [list(range(11))] * 2
    assert [plan.rows_of(step)[1] for step in range(3)] != [
        plan.rows_of(step)[1] for step in range(3, 6)
    ]


def test_a_step_is_a_function_of_its_number(make_maker: MakeMaker) -> None:
    rows = [tiny.encoded(i) for i in range(9)]
    one, two = (BatchPlan(make_maker(rows), 4, 200, seed=3) for _ in range(2))
    one.step(0, 1)  # the other begins in the middle, as a resumed run does
    for first, second in zip(one.step(4, 1).micro, two.step(4, 1).micro, strict=True):
        a, b = collate(first, one.config), collate(second, two.config)
        assert np.array_equal(a.codec_ids, b.codec_ids)
        assert np.array_equal(a.text_ids, b.text_ids)
        assert np.array_equal(a.picked, b.picked)


@pytest.mark.parametrize("num_processes", [1, 2, 3])
@pytest.mark.parametrize("budget", [10, 60, 150, 10_000])
def test_micro_batches_keep_the_budget_and_lose_nothing(
    make_maker: MakeMaker, budget: int, num_processes: int
) -> None:
    maker = make_maker([tiny.encoded(i) for i in range(8)])
    sequences = [maker.make(i, 0) for i in range(8)]
    groups = split_by_budget(sequences, budget, num_processes)
    assert len(groups) % num_processes == 0
    assert sorted(map(id, sequences)) == sorted(id(s) for group in groups for s in group)
    for group in groups:
        padded = max((s.num_rows for s in group), default=0) * len(group)
        assert padded <= budget or len(group) == 1


def test_rows_of_like_length_share_a_step(make_maker: MakeMaker) -> None:
    plan = BatchPlan(make_maker([tiny.encoded(i) for i in range(32)]), 4, 10_000, seed=0)
    spreads = [np.ptp(plan.rows_of(step)[1]) for step in range(8)]  # row i has 5 + 2 i frames
    assert max(spreads) == 3


def test_rates_are_kept(make_maker: MakeMaker) -> None:
    rates = VariantRates(at_once=0.25, language=0.6, instruct=0.5, x_vector=0.2, icl=0.3)
    rows = [tiny.encoded(i, instruct="Softly.") for i in range(4)]
    maker = make_maker(rows, rates=rates)
    drawn = [maker.variant(i % 4, epoch) for epoch in range(500) for i in range(4)]
    voices = Counter(variant.voicing for variant in drawn)
    shares = {
        "at_once": sum(v.layout == "at_once" for v in drawn),
        "language": sum(v.names_language for v in drawn),
        "instruct": sum(v.gives_instruct for v in drawn),
        "icl": voices["icl"],
        "x_vector": voices["x_vector"],
    }
    for name, count in shares.items():
        assert count / len(drawn) == pytest.approx(getattr(rates, name), abs=0.04), name


def test_a_reference_is_another_clip_of_the_same_speaker(make_maker: MakeMaker) -> None:
    rows = [tiny.encoded(i, speaker="nora" if i % 2 else "omar") for i in range(6)]
    maker = make_maker(rows, rates=VariantRates(icl=1.0, x_vector=0.0))
    for epoch in range(20):
        for i in range(6):
            other = maker.variant(i, epoch).reference
            assert other is not None
            assert other != i
            assert other % 2 == i % 2
    prompt = maker.make(0, 0).prompt
    assert prompt.ref_codes is not None
    reference = maker.variant(0, 0).reference
    assert reference is not None
    np.testing.assert_array_equal(prompt.ref_codes, rows[reference].codes)


def test_a_speaker_with_one_clip_is_seen_as_x_vector_instead_of_icl(
    make_maker: MakeMaker,
) -> None:
    maker = make_maker([tiny.encoded(0)], rates=VariantRates(icl=1.0, x_vector=0.0))
    assert maker.variant(0, 0).voicing == "x_vector"


def test_instructs_for_a_base_target_are_refused_not_dropped(make_maker: MakeMaker) -> None:
    rows = [tiny.encoded(0, instruct="Softly.")]
    with pytest.raises(InvalidSettingError, match="1 rows have an instruct.*--instruct-rate 0"):
        make_maker(rows, target="base")
    make_maker(rows, target="base", rates=VariantRates(instruct=0.0))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (tiny.encoded(0, language="klingon"), "rows:0: language 'klingon' is not one"),
        (EncodedRow(row=tiny.encoded(0).row, codes=tiny.codes(0, 3)[:, :8], x_vector=None),
         r"rows:0: codes have shape \[3, 8\]"),
    ],
)  # fmt: skip
def test_rows_that_do_not_fit_the_model_are_named(
    make_maker: MakeMaker, row: EncodedRow, message: str
) -> None:
    with pytest.raises(DatasetError, match=message):
        make_maker([row])


def test_a_target_that_the_model_cannot_become_is_refused(
    tiny_checkpoint: Callable[[ModelKind], Path],
) -> None:
    config = Checkpoint(tiny_checkpoint("design")).config
    with pytest.raises(InvalidSettingError, match="target is 'custom'.*design.*allowed.*design"):
        training_config(config, "custom", {})


def test_settings_survive_their_file() -> None:
    chosen = TrainSettings(preset="lora", rates=VariantRates(icl=0.5), max_steps=7)
    assert TrainSettings.from_json(chosen.to_json()) == chosen
