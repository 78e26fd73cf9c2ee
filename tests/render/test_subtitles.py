"""Subtitles: lines that fit, times that add up, files that players read."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intone.render.subtitles import (
    MAX_LINE_COLUMNS,
    MAX_LINES,
    Span,
    break_lines,
    columns,
    cues,
    subtitles,
)

LONG = "It was the best of times, it was the worst of times, it was the age of wisdom, and so on."


def test_an_srt_file() -> None:
    spans = [Span(0.0, 1.5, "Hello."), Span(3_661.25, 3_662.0, "An hour later.")]

    assert "".join(subtitles(spans, "srt")) == (
        "1\n00:00:00,000 --> 00:00:01,500\nHello.\n"
        "\n2\n01:01:01,250 --> 01:01:02,000\nAn hour later.\n"
    )


def test_a_vtt_file() -> None:
    spans = [Span(0.0, 1.5, "Hello."), Span(2.0, 3.0, "Bye.")]

    assert "".join(subtitles(spans, "vtt")) == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\nHello.\n\n00:00:02.000 --> 00:00:03.000\nBye.\n"
    )


def test_markup_of_vtt_is_escaped() -> None:
    text = "".join(subtitles([Span(0, 1, "a <b> & c --> d")], "vtt"))

    assert "a &lt;b&gt; &amp; c --&gt; d\n" in text


def test_an_arrow_is_no_time_in_srt() -> None:
    assert "a → b" in "".join(subtitles([Span(0, 1, "a --> b")], "srt"))


def test_a_long_text_becomes_several_cues_that_share_its_time() -> None:
    made = list(cues([Span(10.0, 20.0, LONG)]))

    assert (made[0].start_ms, made[-1].end_ms) == (10_000, 20_000)
    assert all(a.end_ms == b.start_ms for a, b in zip(made, made[1:], strict=False))
    widths = [sum(map(columns, cue.lines)) for cue in made]
    lengths = [cue.end_ms - cue.start_ms for cue in made]
    assert lengths[0] / lengths[-1] == pytest.approx(widths[0] / widths[-1], rel=0.01)


@pytest.mark.parametrize("text", ["", " \n\t", "\n\n", "\xad"])
def test_no_words_are_no_cue(text: str) -> None:
    assert list(cues([Span(0, 1, text)])) == []
    assert "".join(subtitles([Span(0, 1, text)], "srt")) == ""


def test_chinese_is_broken_without_spaces() -> None:
    text = "今天天气很好，我们一起去公园散步，然后回家吃饭，晚上看一部电影。" * 2
    lines = break_lines(text)

    assert "".join(lines) == text
    assert not any(line[0] in "，。" for line in lines)
    assert max(map(columns, lines)) <= MAX_LINE_COLUMNS


def test_a_word_longer_than_a_line_is_cut() -> None:
    lines = break_lines("see https://example.org/" + "a" * 100 + " there")

    assert max(map(columns, lines)) <= MAX_LINE_COLUMNS
    assert "".join(lines).replace(" ", "").endswith("athere")
    assert " there" in " ".join(lines)


def test_a_cut_word_does_not_swallow_the_one_before_it() -> None:
    assert break_lines("I " + "a" * 80)[0].startswith("I a")


@given(st.text(max_size=300), st.floats(0, 1e5), st.floats(0, 100))
def test_any_text_fits_and_loses_nothing(text: str, start_s: float, length_s: float) -> None:
    made = list(cues([Span(start_s, start_s + length_s, text)]))
    words = "".join(line for cue in made for line in cue.lines)

    visible = text if columns("".join(text.split())) else ""
    assert re.sub(r"\s", "", words) == re.sub(r"\s", "", visible)
    for cue in made:
        assert 1 <= len(cue.lines) <= MAX_LINES
        assert all(line.strip() for line in cue.lines)
        assert cue.end_ms > cue.start_ms
