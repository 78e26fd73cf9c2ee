"""Expected durations: plausible in every script, ordered, and never blind to a long text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intone.text.duration import expected_duration


@pytest.mark.parametrize(
    ("text", "language", "spoken_s"),
    [
        ("The quick brown fox jumps over the lazy dog.", "english", 2.7),
        ("今天天气很好，我们去公园散步吧。", "chinese", 3.3),
        ("今日は天気がいいので、公園を散歩しましょう。", "japanese", 3.4),
        ("오늘은 날씨가 좋아서 공원에 산책하러 갑니다.", "korean", 3.6),
        ("Heute ist schönes Wetter, wir gehen im Park spazieren.", "german", 3.6),
        ("Сегодня хорошая погода, пойдём гулять в парк.", "russian", 3.0),
        ("Call 555 1234.", "english", 3.0),
    ],
)
def test_a_sentence_read_aloud_lies_well_inside(text: str, language: str, spoken_s: float) -> None:
    duration = expected_duration(text, language)

    assert duration.shortest_s < 0.7 * spoken_s
    assert duration.typical_s == pytest.approx(spoken_s, rel=0.35)
    assert duration.longest_s > 2 * spoken_s


@given(st.text(max_size=60))
def test_the_range_is_ordered_for_any_text(text: str) -> None:
    duration = expected_duration(text)
    assert 0 < duration.shortest_s <= duration.typical_s < duration.longest_s


@given(st.text(alphabet="abc def,.漢かな한1$", max_size=40))
def test_twice_the_text_takes_about_twice_as_long(text: str) -> None:
    once, twice = expected_duration(text + "word"), expected_duration((text + "word ") * 2)
    assert twice.typical_s >= 1.9 * once.typical_s - 0.2
