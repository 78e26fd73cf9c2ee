"""Cuts lie in pauses, pieces have the wanted length, and no second is lost."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intone.core.errors import DatasetError
from intone.train.segmenting.cutting import CutPlan, CutSettings, Span, plan_cuts

ROUGH = CutSettings(min_s=1.0, max_s=6.0, pause_s=0.4, lead_s=0.1, tail_s=0.2)


def spans(*lengths: float) -> list[Span]:
    """Returns speech from alternating seconds of silence and speech."""
    found, at_s = [], 0.0
    for i, length in enumerate(lengths):
        if i % 2:
            found.append(Span(at_s, at_s + length))
        at_s += length
    return found


def pieces(plan: CutPlan) -> list[tuple[float, float]]:
    return [(round(p.clip.start_s, 2), round(p.clip.end_s, 2)) for p in plan.pieces]


def test_sentences_are_cut_at_pauses_with_a_little_silence_around() -> None:
    plan = plan_cuts(spans(0.5, 2.0, 1.0, 3.0, 0.9), 7.4, ROUGH)

    assert pieces(plan) == [(0.4, 2.7), (3.4, 6.7)]
    assert not plan.dropped


def test_a_short_pause_cuts_only_where_a_piece_would_be_too_long() -> None:
    assert pieces(plan_cuts(spans(0, 2.0, 0.3, 2.0), 4.3, ROUGH)) == [(0.0, 4.3)]

    long = spans(0, 2.5, 0.2, 2.5, 0.3, 2.5)  # the longest pause is taken
    assert pieces(plan_cuts(long, 8.0, ROUGH)) == [(0.0, 5.4), (5.4, 8.0)]


def test_a_short_word_joins_the_nearer_neighbour() -> None:
    plan = plan_cuts(spans(0, 2.0, 0.7, 0.4, 0.5, 2.0), 5.6, ROUGH)

    assert pieces(plan) == [(0.0, 2.2), (2.6, 5.6)]


def test_a_short_word_far_from_all_others_is_dropped() -> None:
    plan = plan_cuts(spans(0, 2.0, 2.0, 0.4, 2.0, 2.0), 8.4, ROUGH)

    assert pieces(plan) == [(0.0, 2.2), (6.3, 8.4)]
    assert plan.dropped == [(Span(4.0, 4.4), "too_short")]


def test_speech_without_a_pause_is_dropped_when_it_is_too_long() -> None:
    plan = plan_cuts(spans(0, 9.0, 1.0, 2.0), 12.0, ROUGH)

    assert plan.dropped == [(Span(0.0, 9.0), "no_pause")]
    assert len(plan.pieces) == 1


def test_silence_has_no_pieces() -> None:
    assert plan_cuts([], 10.0, ROUGH) == CutPlan([], [])


LENGTHS = st.lists(st.floats(0.06, 9.0), min_size=2, max_size=40)


@settings(max_examples=150, deadline=None)
@given(LENGTHS, st.floats(0.0, 3.0))
def test_every_piece_is_allowed_and_no_speech_is_lost(lengths: list[float], rest_s: float) -> None:
    speech = spans(*lengths)
    duration_s = sum(lengths) + rest_s

    plan = plan_cuts(speech, duration_s, ROUGH)

    kept = [piece.speech for piece in plan.pieces]
    covered = sorted([*kept, *(span for span, _ in plan.dropped)], key=lambda span: span.start_s)
    for span in speech:
        assert sum(c.start_s <= span.start_s and span.end_s <= c.end_s for c in covered) == 1
    assert all(ROUGH.min_s <= span.duration_s <= ROUGH.max_s for span in kept)
    edges = [0.0]
    for piece in plan.pieces:
        edges += [piece.clip.start_s, piece.speech.start_s, piece.speech.end_s, piece.clip.end_s]
        assert piece.speech.start_s - piece.clip.start_s <= ROUGH.lead_s + 1e-9
        assert piece.clip.end_s - piece.speech.end_s <= ROUGH.tail_s + 1e-9
    edges.append(duration_s)
    assert all(later - earlier >= -1e-9 for earlier, later in zip(edges, edges[1:], strict=False))


@pytest.mark.parametrize("changes", [{"min_s": 7.0}, {"min_s": 0.0}, {"tail_s": -1.0}])
def test_settings_that_make_no_sense_are_refused(changes: dict[str, float]) -> None:
    with pytest.raises(DatasetError, match="allowed"):
        CutSettings(**({"max_s": 6.0} | changes))
