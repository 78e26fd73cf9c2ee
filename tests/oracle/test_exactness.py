"""Intone computes what the public package computes: all kinds, all modes, fp32."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
import torch
from tests.oracle.cases import (
    DISTRIBUTIONS,
    NUM_FRAMES,
    TAKES,
    TOKEN_TEXTS,
    VOCAB_SIZE,
    DistributionCase,
    TakeCase,
    reference_clip,
)
from tests.oracle.conftest import Case, Upstream
from tests.oracle.make_goldens import (
    NUM_SAMPLES,
    PREDICTOR_LOGITS_STEP,
    TAKE_WITH_SAMPLES,
    TALKER_LOGITS_STEP,
)
from tests.oracle.ours import WAYS, Ours, Way

from intone.core.constants import MIN_FRAMES_BEFORE_EOS
from intone.core.types import ModelKind
from intone.runtime.sampling import SamplingBatch, distribution, penalise
from intone.runtime.slots import NUM_CONTROL_IDS

OursOf = Callable[[ModelKind], Ours]
CodesOf = Callable[[ModelKind, Way], dict[str, np.ndarray]]

EMBEDDING_TOLERANCE = LOGITS_TOLERANCE = AUDIO_TOLERANCE = 1e-4
PROBABILITY_TOLERANCE = 1e-6

every_take = pytest.mark.parametrize("case", TAKES, ids=lambda case: case.name)
every_way = pytest.mark.parametrize("way", WAYS)
takes_with_logits = pytest.mark.parametrize(
    "case", [case for case in TAKES if case.with_logits], ids=lambda case: case.name
)


@pytest.fixture(scope="module")
def our_codes_of(ours_of: OursOf) -> CodesOf:
    """All takes of one kind, made in one batch."""

    @cache
    def codes_of(kind: ModelKind, way: Way) -> dict[str, np.ndarray]:
        cases = [case for case in TAKES if case.kind == kind]
        specs = [case.spec() for case in cases]
        codes = ours_of(kind).greedy_codes(specs, NUM_FRAMES, way=way)
        return {case.name: take for case, take in zip(cases, codes, strict=True)}

    return codes_of


def assert_close(ours: np.ndarray, theirs: np.ndarray, tolerance: float) -> None:
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance)


@every_take
def test_prompt_embeddings(case: TakeCase, upstream_of: Upstream, ours_of: OursOf) -> None:
    theirs, ours = Case(case.name, upstream_of(case.kind)), ours_of(case.kind)
    prompt = ours.builder.build(case.spec())
    trailing = theirs["trailing"]
    assert_close(ours.prompt_rows(prompt).numpy(), theirs["embeddings"], EMBEDDING_TOLERANCE)
    assert_close(ours.trailing_rows(prompt, len(trailing)).numpy(), trailing, EMBEDDING_TOLERANCE)
    # Upstream holds one row of padding where no text is left over.
    assert len(trailing) == max(1, len(prompt.trailing_text_ids))


@every_take
@every_way
def test_greedy_codes(
    case: TakeCase, way: Way, upstream_of: Upstream, our_codes_of: CodesOf
) -> None:
    theirs = Case(case.name, upstream_of(case.kind))["codes"]
    codes = our_codes_of(case.kind, way)[case.name]
    assert (len(theirs) < NUM_FRAMES) == case.ends_by_itself
    np.testing.assert_array_equal(codes, theirs)


@takes_with_logits
def test_teacher_forced_logits(case: TakeCase, upstream_of: Upstream, ours_of: OursOf) -> None:
    theirs = Case(case.name, upstream_of(case.kind))
    talker, predictor = ours_of(case.kind).teacher_forced(case.spec(), theirs["codes"])
    assert_close(talker[::TALKER_LOGITS_STEP].numpy(), theirs["talker_logits"], LOGITS_TOLERANCE)
    assert_close(
        predictor[::PREDICTOR_LOGITS_STEP].numpy(), theirs["predictor_logits"], LOGITS_TOLERANCE
    )


@pytest.mark.parametrize("case", DISTRIBUTIONS, ids=lambda case: case.name)
def test_sampling_distribution(
    case: DistributionCase, upstream_of: Upstream, ours_of: OursOf
) -> None:
    theirs = Case(case.name, upstream_of("custom"))["probabilities"]
    logits = torch.from_numpy(case.logits)[None]
    batch = SamplingBatch.of([case.sampling], torch.device("cpu"))
    if case.network == "talker":
        seen = torch.zeros_like(logits, dtype=torch.bool)
        seen[:, case.history] = True
        eos_id = ours_of("custom").talker.config.codec_eos_id
        logits = penalise(logits, seen, batch)
        may_end = len(case.history) >= MIN_FRAMES_BEFORE_EOS
        is_allowed = torch.arange(VOCAB_SIZE) < VOCAB_SIZE - NUM_CONTROL_IDS
        is_allowed[eos_id] = may_end
        logits = logits.masked_fill(~is_allowed, float("-inf"))
    ours = distribution(logits, batch)[0].numpy()
    assert_close(ours, theirs, PROBABILITY_TOLERANCE)
    np.testing.assert_array_equal(ours > 0, theirs > 0)


@every_way
def test_audio_of_a_take(way: Way, upstream_of: Upstream, ours_of: OursOf) -> None:
    case = next(case for case in TAKES if case.name == TAKE_WITH_SAMPLES)
    theirs, ours = Case(case.name, upstream_of(case.kind)), ours_of(case.kind)
    samples = ours.audio(theirs["codes"], way)
    assert_close(samples[:NUM_SAMPLES], theirs["samples"], AUDIO_TOLERANCE)


def test_reference_clip_gives_the_same_voice(upstream_of: Upstream, ours_of: OursOf) -> None:
    theirs = Case("reference", upstream_of("base"))
    voice = ours_of("base").clone(reference_clip())
    x_vector = voice.x_vector
    assert voice.ref_codes is not None
    np.testing.assert_array_equal(voice.ref_codes, theirs["codes"])
    cosine = x_vector @ theirs["x_vector"]
    cosine /= np.linalg.norm(x_vector) * np.linalg.norm(theirs["x_vector"])
    assert cosine > 0.99999
    assert_close(x_vector, theirs["x_vector"], EMBEDDING_TOLERANCE)


@pytest.mark.parametrize("number", range(len(TOKEN_TEXTS)))
def test_token_ids(number: int, upstream_of: Upstream, ours_of: OursOf) -> None:
    theirs = Case(f"text{number}", upstream_of("custom"))
    tokenizer = ours_of("custom").tokenizer
    head = [tokenizer.special_id("<|im_start|>"), *tokenizer.encode_role("assistant")]
    assert tokenizer.encode(TOKEN_TEXTS[number]) == theirs["ids"].tolist()
    assert head == theirs["head"].tolist()
