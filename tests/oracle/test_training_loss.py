"""The loss that training starts from is what the public package's own classes give, fp32.

Their side: `upstream_training.py` embeds the prompt as the package's `generate` does, reads frames
after it, and scores every position on what generation would draw there. Ours: the sequences,
batches and objective of `intone train run`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from tests.oracle.conftest import TinyCheckpoint
from tests.oracle.make_training_goldens import training_golden_path
from tests.oracle.peer import ENVIRONMENT_VARIABLE, Results, oracle_python, run_upstream
from tests.oracle.training_cases import (
    TRAINING_CASES,
    TRAINING_KINDS,
    TrainingCase,
    training_jobs_of,
)

from intone.core.types import ModelKind
from intone.models.checkpoint import Checkpoint
from intone.prompt.tokenizer import TextTokenizer
from intone.train.encoded import EncodedRow
from intone.train.rows import TrainingRow
from intone.train.tuning.batches import StepTotals, collate
from intone.train.tuning.objective import LossSums, step_loss
from intone.train.tuning.restore import open_voice
from intone.train.tuning.sequences import SequenceMaker, TrainingSequence, Variant, training_config
from intone.train.tuning.settings import Target, TrainSettings, VariantRates
from intone.train.tuning.speaker_rows import free_rows

TOLERANCE = 1e-5
"""Nats per token."""
NEW_SPEAKER = "ava"
PREDICTOR_WEIGHT = 0.3
TARGETS: dict[ModelKind, Target] = {"custom": "custom", "design": "design", "base": "custom"}

every_case = pytest.mark.parametrize("case", TRAINING_CASES, ids=lambda case: case.name)


@dataclass(frozen=True)
class Theirs:
    """The package's losses of one row."""

    talker: np.ndarray
    """[F + 1], the last of it the end."""
    predictor: np.ndarray
    """[F, K - 1]"""


class OurTraining:
    """One checkpoint as a run with every frame given to the code predictor opens it."""

    def __init__(
        self, directory: Path, kind: ModelKind, speakers: dict[str, np.ndarray] | None = None
    ) -> None:
        checkpoint = Checkpoint(directory)
        self.settings = TrainSettings(
            preset="full",
            target=TARGETS[kind],
            predictor_share=1.0,
            precision="fp32",
            rates=VariantRates(icl=0.0),
        )
        new = speakers or {}
        places = free_rows(checkpoint.config, sorted(new))
        self.config = training_config(checkpoint.config, self.settings.target, places)
        self.tokenizer = TextTokenizer.from_dir(directory)
        rows = {name: torch.from_numpy(vector) for name, vector in new.items()}
        self.voice = open_voice(checkpoint, self.settings, rows, places)

    def sequence(
        self, case: TrainingCase, voicing: Literal["preset", "x_vector", "icl", "none"]
    ) -> TrainingSequence:
        """Returns the case as the trainer would see it once."""
        row = TrainingRow(
            id=case.name,
            audio=Path("unused.wav"),
            text=case.text,
            speaker=case.speaker or NEW_SPEAKER,
            language=case.language,
            instruct=case.instruct,
            ref_text=case.ref_text,
        )
        encoded = EncodedRow(
            row=row, codes=case.codes, x_vector=case.x_vector, ref_codes=case.ref_codes
        )
        maker = SequenceMaker(self.config, self.tokenizer, [encoded], self.settings)
        variant = Variant(
            layout=case.text_layout,
            names_language=case.language != "auto",
            gives_instruct=case.instruct is not None,
            voicing=voicing,
        )
        return maker.make_variant(0, variant, np.random.default_rng(0))

    @torch.inference_mode()
    def sums(self, sequences: Sequence[TrainingSequence]) -> LossSums:
        """Returns the losses of one batch."""
        sums: LossSums = self.voice(collate(sequences, self.config))
        return sums


TrainingOf = Callable[[ModelKind], OurTraining]
TheirsOf = Callable[[TrainingCase], Theirs]


@pytest.fixture(scope="module")
def training_of(tiny_checkpoint: TinyCheckpoint) -> TrainingOf:
    return cache(lambda kind: OurTraining(tiny_checkpoint(kind), kind))


@pytest.fixture(scope="module", params=["golden", pytest.param("live", marks=pytest.mark.oracle)])
def theirs_of(request: pytest.FixtureRequest, tiny_checkpoint: TinyCheckpoint) -> TheirsOf:
    python = oracle_python()
    if request.param == "live" and python is None:
        pytest.skip(f"{ENVIRONMENT_VARIABLE} names no Python with qwen-tts; see `make oracle`")

    @cache
    def results_of(kind: ModelKind) -> Results:
        if request.param == "golden" or python is None:
            return load_file(training_golden_path(kind))
        return run_upstream(python, tiny_checkpoint(kind), training_jobs_of(kind))

    def theirs(case: TrainingCase) -> Theirs:
        results = results_of(case.kind)
        return Theirs(results[f"{case.name}/talker_ce"], results[f"{case.name}/predictor_ce"])

    return theirs


def assert_same(sums: LossSums, theirs: Sequence[Theirs]) -> None:
    """Compares token means; the sums of several rows are those of one padded batch."""
    tokens, frames = sum(len(t.talker) for t in theirs), sum(len(t.predictor) for t in theirs)
    pairs = {
        "codebook 0 and ends": (sums.first / tokens, sum(t.talker.sum() for t in theirs) / tokens),
        "ends": (sums.end / len(theirs), sum(t.talker[-1] for t in theirs) / len(theirs)),
        "others": (sums.rest / frames, sum(t.predictor.sum(0) for t in theirs) / frames),
    }
    for name, (ours, upstream) in pairs.items():
        np.testing.assert_allclose(ours, upstream, rtol=0, atol=TOLERANCE, err_msg=name)


@every_case
def test_a_row_starts_from_the_loss_of_the_public_classes(
    case: TrainingCase, theirs_of: TheirsOf, training_of: TrainingOf
) -> None:
    ours = training_of(case.kind)
    assert_same(ours.sums([ours.sequence(case, case.voice)]), [theirs_of(case)])


@pytest.mark.parametrize("kind", TRAINING_KINDS)
def test_padding_rows_of_all_forms_to_one_batch_changes_nothing(
    kind: ModelKind, theirs_of: TheirsOf, training_of: TrainingOf
) -> None:
    ours, cases = training_of(kind), [case for case in TRAINING_CASES if case.kind == kind]
    assert len({ours.sequence(case, case.voice).num_rows for case in cases}) > 1
    sums = ours.sums([ours.sequence(case, case.voice) for case in cases])
    assert_same(sums, [theirs_of(case) for case in cases])


@pytest.mark.parametrize("layout", ["at_once", "per_frame"])
def test_a_new_preset_is_trained_as_its_x_vector_would_be(
    layout: str, theirs_of: TheirsOf, tiny_checkpoint: TinyCheckpoint
) -> None:
    case = next(
        case
        for case in TRAINING_CASES
        if case.voice == "x_vector" and case.text_layout == layout and case.language == "english"
    )
    assert case.x_vector is not None
    ours = OurTraining(tiny_checkpoint(case.kind), case.kind, {NEW_SPEAKER: case.x_vector})
    sequence = ours.sequence(case, "preset")
    assert sequence.prompt.x_vector is None
    assert_same(ours.sums([sequence]), [theirs_of(case)])


def test_a_step_weighs_every_token_alike(theirs_of: TheirsOf, training_of: TrainingOf) -> None:
    ours, cases = training_of("base"), [case for case in TRAINING_CASES if case.kind == "base"]
    theirs = [theirs_of(case) for case in cases]
    sequences = [ours.sequence(case, case.voice) for case in cases]
    totals = StepTotals(
        first=sum(len(t.talker) for t in theirs), rest=sum(t.predictor.size for t in theirs)
    )
    micro = [ours.sums(sequences[:3]), ours.sums(sequences[3:])]
    loss = sum(float(step_loss(sums, totals, PREDICTOR_WEIGHT)) for sums in micro)
    talker = np.concatenate([t.talker for t in theirs]).mean()
    predictor = np.concatenate([t.predictor.ravel() for t in theirs]).mean()
    assert loss == pytest.approx(talker + PREDICTOR_WEIGHT * predictor, abs=TOLERANCE)
