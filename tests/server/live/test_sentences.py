"""Sentences are given out as soon as they are surely complete, whatever the pieces are."""

from __future__ import annotations

import pytest

from intone.audio.seams import GAP_S
from intone.server.live.sentences import LiveSegment, SentenceFeed

TEXTS = [
    "Hello there. I met Dr. Smith at 3.14 p.m. today! Did you? Yes.",
    'He said "Go." Then J. F. Kennedy left...  and came back. The U.S. Army stayed.',
    "First paragraph.\n\nSecond one, without an end",
    "你好。世界很大！你说呢？好的",
    "No end at all",
    "1. Eggs. 2. Milk and honey. 3. Bread.",
]


def fed(text: str, size: int, language: str = "english") -> list[LiveSegment]:
    feed, segments = SentenceFeed(language), []
    for start in range(0, len(text), size):
        segments += feed.feed(text[start : start + size])
    return [*segments, *feed.flush()]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("size", [1, 2, 5, 11])
def test_how_the_text_was_cut_does_not_matter(text: str, size: int) -> None:
    language = "chinese" if text[0] == "你" else "english"
    assert fed(text, size, language) == fed(text, 10_000, language)


@pytest.mark.parametrize("text", TEXTS)
def test_nothing_is_lost(text: str) -> None:
    said = "".join(segment.text for segment in fed(text, 3, "auto"))
    assert said.replace(" ", "") == text.replace(" ", "").replace("\n", "")


def test_a_sentence_is_complete_when_the_next_has_begun() -> None:
    feed = SentenceFeed("english")
    assert not list(feed.feed("Hello there."))
    assert not list(feed.feed(" W"))
    assert [segment.text for segment in feed.feed("h")] == ["Hello there."]


def test_a_blank_line_completes_a_sentence() -> None:
    feed = SentenceFeed("english")
    (segment,) = feed.feed("Hello there\n\n")
    assert segment == LiveSegment("Hello there", GAP_S["paragraph"])


def test_a_flush_of_words_keeps_the_word_that_may_go_on() -> None:
    feed = SentenceFeed("english")
    list(feed.feed("Hello wor"))
    assert [segment.text for segment in feed.flush_words()] == ["Hello"]
    list(feed.feed("ld"))
    assert [segment.text for segment in feed.flush()] == ["world"]


def test_a_sentence_without_end_is_cut_where_a_take_is_full() -> None:
    feed = SentenceFeed("english")
    segments = [segment for _ in range(300) for segment in feed.feed("and on it goes, ")]
    assert len(segments) > 3
    assert all(len(segment.text) < 500 for segment in segments)
    rest = "".join(segment.text for segment in (*segments, *feed.flush())).replace(" ", "")
    assert rest == ("andonitgoes," * 300)


def test_what_no_word_is_in_is_not_spoken() -> None:
    assert not fed(" ... \n\n -- ", 2)
