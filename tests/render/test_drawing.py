"""A segment is drawn until it is the right person and ends, a bounded number of times."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.render.fake_synthesizer import FakeSynthesizer, person

from intone.core.types import FinishReason, SamplingOverrides, SpeechRequest
from intone.render.drawing import Anchor, DrawPolicy, SegmentDrawer, redrawn
from intone.render.ear import SynthesizerEar, similarity
from intone.render.plan import SegmentPlan

ANCHOR = Anchor(x_vector=person("ava"), origin="the test's own")
FIRST = SpeechRequest(text="A sentence of some length.", voice="ava", seed=5)
PLAN = SegmentPlan(index=0, text=FIRST.text, request=FIRST)


def drawer(
    fake: FakeSynthesizer, *, hears: bool = True, policy: DrawPolicy | None = None
) -> SegmentDrawer:
    ear = SynthesizerEar(fake, "fake") if hears else None
    return SegmentDrawer(fake, ear, policy)


def by_draw(*values: float) -> dict[int | None, float]:
    """Maps the seeds of the first draw and of those after it to values."""
    seeds = [FIRST.seed, *(redrawn(FIRST, n).seed for n in range(1, len(values)))]
    return dict(zip(seeds, values, strict=True))


def test_a_good_take_is_drawn_once() -> None:
    fake = FakeSynthesizer()

    drawn = drawer(fake).draw(PLAN, ANCHOR)

    assert drawn.similarity == pytest.approx(1.0, abs=1e-6)
    assert (drawn.num_draws, drawn.note, drawn.is_redrawn) == (1, None, False)
    assert fake.requests == [FIRST]


def test_another_person_is_drawn_again_until_it_is_the_right_one() -> None:
    likeness = by_draw(0.3, 0.9, 1.0)
    fake = FakeSynthesizer(likeness=lambda request: likeness[request.seed])

    drawn = drawer(fake).draw(PLAN, ANCHOR)

    assert drawn.similarity == pytest.approx(0.9, abs=1e-6)
    assert drawn.request == redrawn(FIRST, 1)
    assert (drawn.num_draws, drawn.note, drawn.is_redrawn) == (2, None, True)


def test_the_best_of_bad_takes_is_kept_and_said_so() -> None:
    likeness = by_draw(0.3, 0.6, 0.5)
    fake = FakeSynthesizer(likeness=lambda request: likeness[request.seed])

    drawn = drawer(fake).draw(PLAN, ANCHOR)

    assert len(fake.requests) == drawn.num_draws == 3
    assert drawn.similarity == pytest.approx(0.6, abs=1e-6)
    assert drawn.note is not None
    assert "0.60" in drawn.note
    assert "0.75" in drawn.note


def test_the_kept_request_gives_the_kept_take_again() -> None:
    likeness = by_draw(0.3, 0.9)
    fake = FakeSynthesizer(likeness=lambda request: likeness[request.seed])

    drawn = drawer(fake).draw(PLAN, ANCHOR)

    np.testing.assert_array_equal(
        fake.synthesize(drawn.request).samples, drawn.audio.samples, strict=True
    )


def test_a_take_that_only_the_models_frame_budget_ended_is_drawn_again() -> None:
    reasons: dict[int | None, FinishReason] = {FIRST.seed: "length"}
    fake = FakeSynthesizer(finish=lambda request: reasons.get(request.seed, "stop"))

    assert drawer(fake).draw(PLAN, ANCHOR).request == redrawn(FIRST, 1)


def test_a_take_that_ended_at_the_frames_asked_for_is_good() -> None:
    request = replace(FIRST, max_frames=20)
    fake = FakeSynthesizer(finish=lambda request: "length")

    drawn = drawer(fake).draw(replace(PLAN, request=request), ANCHOR)

    assert fake.requests == [request]
    assert drawn.note is None


def test_a_take_that_the_guard_cut_is_drawn_again_and_loses_against_one_that_ended() -> None:
    reasons: dict[int | None, FinishReason] = {FIRST.seed: "guard"}
    fake = FakeSynthesizer(
        likeness=lambda request: 1.0 if request.seed == FIRST.seed else 0.8,
        finish=lambda request: reasons.get(request.seed, "stop"),
    )

    drawn = drawer(fake).draw(PLAN, ANCHOR)

    assert drawn.audio.finish_reason == "stop"
    assert drawn.similarity == pytest.approx(0.8, abs=1e-6)


def test_a_take_that_never_ends_is_kept_and_said_so_without_an_ear_too() -> None:
    fake = FakeSynthesizer(finish=lambda request: "guard")

    drawn = drawer(fake, hears=False).draw(PLAN, None)

    assert drawn.num_draws == 3
    assert drawn.similarity is None
    assert "missed its end" in (drawn.note or "")


def test_a_cancelled_take_is_not_drawn_again() -> None:
    fake = FakeSynthesizer(likeness=lambda request: 0.1, finish=lambda request: "cancelled")

    assert drawer(fake).draw(PLAN, ANCHOR).num_draws == 1


def test_a_greedy_take_is_not_drawn_again_since_it_would_be_the_same() -> None:
    greedy = SamplingOverrides(greedy=True)
    request = SpeechRequest(text="Words.", seed=5, sampling=greedy, predictor_sampling=greedy)
    fake = FakeSynthesizer(likeness=lambda request: 0.1)

    drawn = drawer(fake).draw(SegmentPlan(index=0, text="Words.", request=request), ANCHOR)

    assert drawn.num_draws == 1
    assert "below" in (drawn.note or "")


def test_a_take_too_short_to_judge_says_so() -> None:
    fake = FakeSynthesizer(seconds=lambda request: 0.5, likeness=lambda request: 0.1)

    drawn = drawer(fake).draw(PLAN, ANCHOR)

    assert (drawn.similarity, drawn.num_draws) == (None, 1)
    assert "0.5 s of speech" in (drawn.note or "")


def test_without_an_ear_or_an_anchor_nobody_is_judged() -> None:
    fake = FakeSynthesizer(likeness=lambda request: 0.1)

    assert drawer(fake, hears=False).draw(PLAN, ANCHOR).similarity is None
    assert drawer(fake).draw(PLAN, None).similarity is None
    assert fake.num_heard == 0


def test_the_policy_decides_how_often_and_from_when() -> None:
    fake = FakeSynthesizer(likeness=lambda request: 0.5)

    assert drawer(fake, policy=DrawPolicy(max_redraws=0)).draw(PLAN, ANCHOR).num_draws == 1
    assert drawer(fake, policy=DrawPolicy(min_similarity=0.4)).draw(PLAN, ANCHOR).note is None


def test_similarity_is_a_cosine_and_zero_for_silence() -> None:
    x = np.array([3.0, 4.0], dtype=np.float32)

    assert similarity(x, 2 * x) == pytest.approx(1.0)
    assert similarity(x, -x) == pytest.approx(-1.0)
    assert similarity(x, np.zeros(2, dtype=np.float32)) == 0.0
