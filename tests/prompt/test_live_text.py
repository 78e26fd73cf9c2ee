"""Text that arrives in pieces has the ids of the whole, as early as they are settled."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intone.core.errors import InvalidSettingError
from intone.models.tiny_tokenizer import write_tiny_tokenizer
from intone.prompt.live_text import HELD_LETTERS, LiveText
from intone.prompt.tokenizer import TextTokenizer

END_ID = 99_999

WORDS = (
    "Hello", " hello", " world", " the", "the", "don", "'t", " 1", "...", ".\n", ".\n\n", "\n\n",
    "  ", " \n", "你好", "世界", "你好世", "，你", "。\n", "こん", "こんにちは", "é", " é",
)  # fmt: skip

TEXTS = [
    "Hello world, the hello.",
    "  Hello,\n\nworld. \n\n the\nend  ",
    "I don't 12.5 the...\n\nHello!?",
    "你好，世界。你好世界！ Hello 你好",
    "你好世界" * 12,
    "こんにちは世界" * 8 + "。",
    "e\u0301tude cafe\u0301 e\u0301",
    "a" * 60,
    "\U0001f600 hello\u200d\U0001f600",
]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> TextTokenizer:
    directory = tmp_path_factory.mktemp("tokenizer")
    write_tiny_tokenizer(directory, words=WORDS)
    return TextTokenizer.from_dir(directory)


def live_text(tokenizer: TextTokenizer) -> LiveText:
    return LiveText(tokenizer.encode_exactly, END_ID)


def fed(tokenizer: TextTokenizer, pieces: list[str]) -> list[int]:
    live = live_text(tokenizer)
    for piece in pieces:
        before = list(live.ids)
        live.feed(piece)
        assert list(live.ids[: len(before)]) == before, "what was released stays"
    live.finish()
    assert live.ids[-1] == END_ID
    return list(live.ids[:-1])


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_pieces_of_any_size_have_the_ids_of_the_whole(
    tokenizer: TextTokenizer, text: str, size: int
) -> None:
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    assert fed(tokenizer, pieces) == tokenizer.encode(text)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from([*WORDS, " ", "\n", "e", "\u0301", "-", "x", "7"]), max_size=14))
def test_every_cut_gives_the_ids_of_the_whole(tokenizer: TextTokenizer, pieces: list[str]) -> None:
    assert fed(tokenizer, pieces) == tokenizer.encode("".join(pieces))


def test_a_word_is_released_when_the_next_character_shows_its_end(
    tokenizer: TextTokenizer,
) -> None:
    live = live_text(tokenizer)
    live.feed("Hel")
    assert not live.ids
    live.feed("lo")
    assert not live.ids, "it may go on"
    live.feed(" ")
    assert list(live.ids) == tokenizer.encode("Hello")


def test_letters_without_spaces_are_released_while_they_go_on(tokenizer: TextTokenizer) -> None:
    live = live_text(tokenizer)
    live.feed("你好世界" * 12)
    assert len(live.ids) >= len(tokenizer.encode("你好世界" * 12)) - 4 * HELD_LETTERS
    assert live.has_words


def test_white_space_alone_has_no_words(tokenizer: TextTokenizer) -> None:
    live = live_text(tokenizer)
    live.feed(" \n ")
    live.finish()
    assert not live.has_words
    assert list(live.ids) == [END_ID]


def test_nothing_is_lost_in_silence_after_the_end(tokenizer: TextTokenizer) -> None:
    live = live_text(tokenizer)
    live.finish()
    live.finish()
    with pytest.raises(InvalidSettingError, match="5 characters came after the end"):
        live.feed("Hello")


def test_half_a_character_is_refused(tokenizer: TextTokenizer) -> None:
    with pytest.raises(InvalidSettingError, match="lone surrogate"):
        live_text(tokenizer).feed("a \ud800 b ")


def test_a_long_word_costs_no_more_per_piece_than_a_short_one(tokenizer: TextTokenizer) -> None:
    live = live_text(tokenizer)
    for _ in range(20_000):
        live.feed("a")
    assert not live.ids
