"""The lexicon: whole words, longest first, and nothing that was settled."""

from __future__ import annotations

import pytest

from intone.core.errors import TextFileError
from intone.text.lexicon import parse_lexicon
from intone.text.rewriting import Rewriting
from intone.text.script import FixedSpan


def said(source: str, text: str, language: str = "english") -> str:
    return parse_lexicon(source, name="my.lex").apply(Rewriting(text), language).text


def test_whole_words_are_replaced_and_parts_of_words_are_not() -> None:
    assert said("SQL = sequel", "SQL, MySQL and (SQL).") == "sequel, MySQL and (sequel)."


def test_the_longest_written_form_wins() -> None:
    lexicon = "New York = noo york\nNew York Times = the times\nyork = Yorick"

    assert said(lexicon, "New York Times, New York, york") == "the times, noo york, Yorick"


def test_lower_case_entries_are_found_in_any_case_and_others_as_they_are_written() -> None:
    assert said("gif = jiff\nUS = you ess", "GIF gif Gif US us") == "jiff jiff jiff you ess us"


def test_an_entry_of_the_language_wins_and_stays_in_its_language() -> None:
    lexicon = "SNCF = es en see ef\n[fr]\nSNCF = èsse ènne cé effe\nTGV = té gé vé"

    assert said(lexicon, "SNCF TGV", "french") == "èsse ènne cé effe té gé vé"
    assert said(lexicon, "SNCF TGV", "german") == "es en see ef TGV"


def test_scripts_without_spaces_need_no_border_of_a_word() -> None:
    assert said("重庆 = 虫庆", "我在重庆住。") == "我在虫庆住。"
    assert said("서울 = 서울시", "서울은") == "서울시은"


def test_settled_spans_are_left_alone_and_move_with_the_text() -> None:
    text = Rewriting("a GIF b GIF", (FixedSpan(8, 11, "x"),))
    after = parse_lexicon("GIF = jiffy", name="l").apply(text, "english")

    assert after.text == "a jiffy b GIF"
    assert after.fixed == (FixedSpan(2, 7, "GIF"), FixedSpan(10, 13, "x"))


def test_comments_blank_lines_and_signs_are_understood() -> None:
    assert said("# a = b\n\n  C++ = see plus plus  \n", "I write C++ and C") == (
        "I write see plus plus and C"
    )


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("a = b\nGIF jiff", "my.lex, line 2: 'GIF jiff' is no entry"),
        ("= b", "line 1"),
        ("a =", "line 1"),
        ("a = b\n# c\na = d", "line 3: 'a' is there twice"),
        ("[xx]\na = b", "line 1: the language 'xx' is unknown"),
    ],
)
def test_a_mistake_in_a_lexicon_is_told_with_its_line(source: str, words: str) -> None:
    with pytest.raises(TextFileError, match=words):
        parse_lexicon(source, name="my.lex")
