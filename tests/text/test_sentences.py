"""Sentences and pieces: nothing lost, right ends, and no piece over its budget."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intone.core.errors import InvalidSettingError
from intone.text.cutting import Budget
from intone.text.guessing import guess_language
from intone.text.languages import CODE_OF_NAME
from intone.text.markup import parse_script
from intone.text.sentences import Piece, pack, split_sentences


def sentences(text: str, language: str = "auto") -> list[str]:
    return [sentence.text for sentence in split_sentences(text, language)]


def pieces(text: str, seconds: float, language: str = "english") -> list[tuple[str, str]]:
    found = pack(split_sentences(text, language), Budget(seconds, language))
    return [(piece.text, piece.end) for piece in found]


@pytest.mark.parametrize(
    ("language", "text", "wanted"),
    [
        ("zh", "他说：“你好。”我走了！真的？", ["他说：“你好。”", "我走了！", "真的？"]),
        ("en", 'Mr. Fox said "Stop." She left.', ['Mr. Fox said "Stop."', "She left."]),
        ("de", "Am 3. Mai kam Dr. Wolf z.B. an. Gut.", ["Am 3. Mai kam Dr. Wolf z.B. an.", "Gut."]),
        ("it", "Il dott. Rossi è qui. Sì!", ["Il dott. Rossi è qui.", "Sì!"]),
        ("pt", "O Sr. Silva chegou. Bem.", ["O Sr. Silva chegou.", "Bem."]),
        ("es", "¿Qué tal, Sr. Gómez? ¡Bien!", ["¿Qué tal, Sr. Gómez?", "¡Bien!"]),
        ("ja", "「はい。」と言った。終わり。", ["「はい。」", "と言った。", "終わり。"]),
        ("ko", "안녕하세요. 반갑습니다!", ["안녕하세요.", "반갑습니다!"]),
        ("fr", "M. Roy et Mme. Roy sont là. Bien !", ["M. Roy et Mme. Roy sont là.", "Bien !"]),
        ("ru", "А.С. Пушкин умер в 1837 г. тут. Да?", ["А.С. Пушкин умер в 1837 г. тут.", "Да?"]),
    ],
)  # fmt: skip
def test_each_language_has_its_sentences(language: str, text: str, wanted: list[str]) -> None:
    assert sentences(text, language) == wanted


def test_blank_lines_end_paragraphs_and_line_breaks_do_not() -> None:
    found = split_sentences("A title\n \nOne line\ngoes on. Two.\n\n\nThree.", "en")

    assert [(part.text, part.ends_paragraph) for part in found] == [
        ("A title", True),
        ("One line\ngoes on.", False),
        ("Two.", True),
        ("Three.", True),
    ]


def test_a_number_of_a_list_stays_with_its_item() -> None:
    assert sentences("1. First. 2. Second.", "en") == ["1. First.", "2. Second."]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("你好，世界。OpenAI 发布了新模型。", "chinese"),
        ("東京へ行きます。", "japanese"),
        ("안녕하세요", "korean"),
        ("Привет, мир", "russian"),
        ("The cat is on the mat and it sleeps.", "english"),
        ("Die Katze ist auf dem Tisch.", "german"),
        ("Il gatto è sul tavolo e non si muove.", "italian"),
        ("O gato não está em casa.", "portuguese"),
        ("El gato está en la casa.", "spanish"),
        ("Le chat est dans la maison.", "french"),
        ("12:30", None),
        ("Xyzzy", None),
        ("שלום", None),
    ],
)
def test_a_language_is_guessed_where_it_is_plain(text: str, language: str | None) -> None:
    assert guess_language(text) == language


def test_sentences_are_packed_within_a_paragraph() -> None:
    text = "One is here. Two is here. Three is here.\n\nFour is here."

    assert pieces(text, 60.0) == [
        ("One is here. Two is here. Three is here.", "paragraph"),
        ("Four is here.", "paragraph"),
    ]
    assert pieces(text, 2.5) == [
        ("One is here. Two is here.", "sentence"),
        ("Three is here.", "paragraph"),
        ("Four is here.", "paragraph"),
    ]


def test_a_long_sentence_is_cut_behind_a_comma_then_between_words() -> None:
    assert pieces("When the long winter was over, the birds came back.", 2.6) == [
        ("When the long winter was over,", "clause"),
        ("the birds came back.", "paragraph"),
    ]
    assert pieces("It cost 1,500 or so today", 2.2)[0] == ("It cost 1,500 or", "forced")
    assert pieces("When the long winter was over the birds came back", 2.0) == [
        ("When the long winter was over the", "forced"),
        ("birds came back", "paragraph"),
    ]


def test_a_long_sentence_of_a_script_without_spaces_is_cut_at_its_commas_and_characters() -> None:
    assert pieces("春天来了，鸟儿都回来了。", 2.0, "chinese") == [
        ("春天来了，", "clause"),
        ("鸟儿都回来了。", "paragraph"),
    ]
    parts = pieces("春天来了鸟儿都回来了花也开了", 1.0, "chinese")
    assert "".join(text for text, _ in parts) == "春天来了鸟儿都回来了花也开了"
    assert {end for _, end in parts[:-1]} == {"forced"}


def test_a_bound_in_characters_holds_too() -> None:
    found = pack(split_sentences("word " * 50, "en"), Budget(60.0, "english", characters=24))

    assert max(len(piece.text) for piece in found) <= 24
    assert found[0].text == "word word word word word"


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan")])
def test_a_budget_of_nothing_is_an_error(seconds: float) -> None:
    with pytest.raises(InvalidSettingError, match="more than 0"):
        Budget(seconds)


def test_a_part_of_a_segment_keeps_its_settled_words() -> None:
    (segment,) = parse_script("One [say:GIF|jiff file] two. Three [say:a|b].").segments
    first, second = (
        segment.part(piece.start, piece.stop)
        for piece in pack(split_sentences(segment.text, "en"), Budget(1.5, "english"))
    )

    assert (first.text, first.written) == ("One jiff file two.", "One GIF two.")
    assert (second.text, second.written) == ("Three b.", "Three a.")


TEXTS = st.text(alphabet='ab cA.!?,;—。，语漢\n é\u0301"”(1', max_size=150)


@given(text=TEXTS, language=st.sampled_from(sorted(CODE_OF_NAME)))
@settings(deadline=None, max_examples=150)
def test_sentences_joined_are_the_text_up_to_white_space(text: str, language: str) -> None:
    found = split_sentences(text, language)

    assert "".join("".join(part.text for part in found).split()) == "".join(text.split())
    assert all(part.text == text[part.start : part.stop] == part.text.strip() for part in found)
    assert all(part.text for part in found)


@given(text=TEXTS, seconds=st.floats(0.3, 5.0))
@settings(deadline=None, max_examples=150)
def test_pieces_joined_are_the_text_and_each_fits(text: str, seconds: float) -> None:
    budget = Budget(seconds, "english")
    found = pack(split_sentences(text, "english"), budget)

    assert "".join("".join(part.text for part in found).split()) == "".join(text.split())
    assert all(budget.holds(part.text) or len(part.text) <= 3 for part in found)
    assert all(_bare(part.text) == _bare(text[part.start : part.stop]) for part in found)


def _bare(text: str) -> str:
    return "".join(text.split())


def test_two_hundred_thousand_characters_are_packed_in_seconds() -> None:
    text = "word " * 10_000 + "x" * 50_000 + "Go on. " * 7_000 + "字" * 50_000
    start = time.perf_counter()
    found: tuple[Piece, ...] = pack(split_sentences(text, "en"), Budget(15.0, "english"))

    assert len(found) > 100
    assert time.perf_counter() - start < 10.0  # about 1 s; the rest is for busy machines
