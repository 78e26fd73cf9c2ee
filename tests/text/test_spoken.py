"""Text as it is spoken: what is promised for each language, and what is left alone."""

from __future__ import annotations

import builtins
import time
from collections.abc import Iterator, Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intone.core.errors import MissingDependencyError
from intone.text import spoken
from intone.text.lexicon import parse_lexicon
from intone.text.markup import parse_script
from intone.text.spoken import Change, spoken_text

CORPUS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "It costs $3.50.": "It costs three dollars and fifty cents.",
        "€1, £0.99": "one euro, ninety-nine pence",
        "$3 million": "three million dollars",
        "In 1984 or 2024": "In nineteen eighty-four or twenty twenty-four",
        "2,500 books": "two thousand five hundred books",
        "March 5, 2024": "March fifth, twenty twenty-four",
        "on 2024-03-05": "on March fifth, twenty twenty-four",
        "at 3:05 pm": "at three oh five p.m.",
        "at 5 p.m. She left.": "at five p.m. She left.",
        "-3.5 °C": "minus three point five degrees Celsius",
        "12%": "twelve percent",
        "3-5 kg": "three to five kilograms",
        "1914–1918": "nineteen fourteen to nineteen eighteen",
        "the 22nd": "the twenty-second",
        "the 1990s": "the nineteen nineties",
        "see https://www.example.com/a?x=1.": "see w w w dot example dot com slash a.",
        "bob@mail.org": "bob at mail dot org",
        "call 555-1234": "call five five five, one two three four",
        "version 2.0.1": "version two point zero point one",
        "A4 and 007": "A four and zero zero seven",
        "2½ cups, 1/2": "two and one half cups, one half",
        "7:00 PM, .5": "seven p.m., point five",
        "in 1066": "in ten sixty-six",
        "(555) 123-4567": "five five five, one two three, four five six seven",
        "#5, R & D": "number five, R and D",
    },
    "de": {
        "3,50 €": "drei Euro und fünfzig Cent",
        "1 €": "ein Euro",
        "1.200 Leute": "eintausendzweihundert Leute",
        "1.000.000,5": "eine Million Komma fünf",
        "3,14": "drei Komma eins vier",
        "1984": "neunzehnhundertvierundachtzig",
        "am 3. Oktober": "am dritten Oktober",
        "der 3. Oktober": "der dritte Oktober",
        "am 05.03.2024": "am fünften März zweitausendvierundzwanzig",
        "um 14:30 Uhr": "um vierzehn Uhr dreißig",
        "um 8 Uhr": "um acht Uhr",
        "-5 °C": "minus fünf Grad Celsius",
        "12 %": "zwölf Prozent",
        "1 km/h, 2 h": "ein Kilometer pro Stunde, zwei Stunden",
        "3-5 Tage": "drei bis fünf Tage",
        "Nr. 5": "Nummer fünf",
        "www.beispiel.de": "w w w Punkt beispiel Punkt de",
        "5 Mio. €": "fünf Millionen Euro",
        "die 90er": "die neunziger",
        "um 10.30 Uhr": "um zehn Uhr dreißig",
        "1 Stunde, 1. Platz": "1 Stunde, 1. Platz",
    },
    "it": {
        "3,50 €": "tre euro e cinquanta centesimi",
        "1 £": "una sterlina",
        "1.200 persone": "milleduecento persone",
        "3,14": "tre virgola quattordici",
        "1984": "millenovecentottantaquattro",
        "il 1º posto": "il primo posto",
        "la 2ª volta": "la seconda volta",
        "05/03/2024": "cinque marzo duemilaventiquattro",
        "2024-05-01": "primo maggio duemilaventiquattro",
        "alle 14:30": "alle quattordici e trenta",
        "-5 °C": "meno cinque gradi Celsius",
        "12%": "dodici per cento",
        "1 km, 1 h": "un chilometro, un'ora",
        "3-5 giorni": "tre a cinque giorni",
        "n° 5": "numero cinque",
        "www.esempio.it": "w w w punto esempio punto it",
    },
    "pt": {
        "R$ 3,50": "três reais e cinquenta centavos",
        "2 £": "duas libras",
        "1.100 pessoas": "mil e cem pessoas",
        "3,14": "três vírgula catorze",
        "1984": "mil novecentos e oitenta e quatro",
        "1º e 2ª": "primeiro e segunda",
        "5/3/2024": "cinco de março de dois mil e vinte e quatro",
        "01/05/2024": "primeiro de maio de dois mil e vinte e quatro",
        "às 14h30": "às catorze horas e trinta",
        "-5 °C": "menos cinco graus Celsius",
        "12%": "doze por cento",
        "21 h": "vinte e uma horas",
        "3-5 dias": "três a cinco dias",
        "nº 5": "número cinco",
        "a@b.com": "a arroba b ponto com",
        "2 casas": "2 casas",
    },
    "es": {
        "3,50 €": "tres euros con cincuenta céntimos",
        "21 €": "veintiún euros",
        "200 £": "doscientas libras",
        "1.100 km": "mil cien kilómetros",
        "3,14": "tres coma catorce",
        "1984": "mil novecientos ochenta y cuatro",
        "1.º y 2ª": "primero y segunda",
        "5/3/2024": "cinco de marzo de dos mil veinticuatro",
        "2024-01-01": "primero de enero de dos mil veinticuatro",
        "a las 14:30": "a las catorce treinta",
        "-5 °C": "menos cinco grados Celsius",
        "12 %": "doce por ciento",
        "31 min": "treinta y un minutos",
        "3-5 días": "tres a cinco días",
        "nº 5": "número cinco",
        "1 hora": "1 hora",
    },
    "fr": {
        "3,50 €": "trois euros et cinquante centimes",
        "1 £": "une livre",
        "10 000 personnes": "dix mille personnes",
        "3,14": "trois virgule quatorze",
        "1984": "mille neuf cent quatre-vingt-quatre",
        "le 1er mai": "le premier mai",
        "la 1re, le 2e": "la première, le deuxième",
        "05/03/2024": "cinq mars deux mille vingt-quatre",
        "à 14h30": "à quatorze heures trente",
        "à 9:05": "à neuf heures cinq",
        "21 h": "vingt et une heures",
        "-5 °C": "moins cinq degrés Celsius",
        "12\u202f%": "douze pour cent",
        "1,5 km": "un virgule cinq kilomètre",
        "3-5 jours": "trois à cinq jours",
        "n° 5": "numéro cinq",
        "1 000 000 €": "un million d'euros",
        "80 ans": "quatre-vingts ans",
    },
    "ru": {
        "100 руб.": "сто рублей",
        "2,50 ₽": "два рубля пятьдесят копеек",
        "1 $, 2 $, 5 $": "один доллар, два доллара, пять долларов",
        "10 000 человек": "десять тысяч человек",
        "3,5 кг": "три целых пять десятых килограмма",
        "1500": "тысяча пятьсот",
        "5 марта": "пятого марта",
        "05.03.2024": "пятого марта две тысячи двадцать четвёртого года",
        "в 1984 году": "в тысяча девятьсот восемьдесят четвёртом году",
        "в 1990 г.": "в тысяча девятьсот девяностом году",
        "в 14:30": "в четырнадцать тридцать",
        "21 км": "двадцать один километр",
        "2 мин": "две минуты",
        "12 %": "двенадцать процентов",
        "-5 °C": "минус пять градусов Цельсия",
        "1-й, 2-го": "первый, второго",
        "90-е годы": "девяностые годы",
        "№ 5": "номер пять",
        "25.12, 2 часа": "25.12, 2 часа",
    },
    "ko": {
        "사과 3개": "사과 세 개",
        "5명": "다섯 명",
        "20살": "스무 살",
        "3시간": "세 시간",
        "3시 30분": "세 시 삼십분",
        "14:30": "십사 시 삼십 분",
        "3개월": "삼개월",
        "2024년 6월 5일": "이천이십사년 유월 오일",
        "2024-03-05": "이천이십사년 삼월 오일",
        "$5": "오 달러",
        "3,000원": "삼천원",
        "12%": "십이 퍼센트",
        "5km": "오 킬로미터",
        "-3°C": "마이너스 삼 도",
        "제3장": "제삼장",
        "3.14": "삼 점 일 사",
        "010-1234-5678": "영 일 영, 일 이 삼 사, 오 육 칠 팔",
    },
    "zh": {
        "2024年3月5日": "二零二四年三月五日",
        "气温-3.5°C": "气温负三点五摄氏度",
        "价格￥100.50元": "价格一百点五零元",
        "涨了12％": "涨了百分之十二",
        "€10，3-5个": "十欧元，三到五个",
        "1次": "一次",
        "2个苹果": "两个苹果",
        "100倍": "一百倍",
        "第3章": "第三章",
        "下午3:30": "下午三点三十分",
        "跑了5km": "跑了五公里",
        "1/2的人": "二分之一的人",
        "电话13812345678": "电话幺三八幺二三四五六七八",
        "版本2.0.1": "版本二点零点一",
        "网址https://example.com/a": "网址example 点 com 斜杠 a",
        "COVID-19": "COVID 十九",
    },
    "ja": {
        "2024年3月5日": "二千二十四年三月五日",
        "気温は-3.5℃です": "気温はマイナス三点五度です",
        "1,200円": "千二百円",
        "12％引き": "十二パーセント引き",
        "3人": "三人",
        "5本": "五本",
        "午後3:30": "午後三時三十分",
        "5km": "五キロメートル",
        "2.5kg": "二点五キログラム",
        "1/2": "二分の一",
        "第3章": "第三章",
        "$5.99": "五点九九ドル",
        "電話は03-1234-5678": "電話はゼロ三の一二三四の五六七八",
        "a@b.com": "a アットマーク b ドット com",
        "12345個": "一万二千三百四十五個",
    },
}  # fmt: skip


def cases() -> Iterator[tuple[str, str, str]]:
    for language, items in CORPUS.items():
        for written, said in items.items():
            yield language, written, said


@pytest.mark.parametrize(("language", "written", "said"), list(cases()))
def test_what_is_promised_for_a_language_is_said(language: str, written: str, said: str) -> None:
    assert spoken_text(written, language, spelling="on").text == said


TEXTS: Mapping[str, str] = {
    "en": "Mr. Fox said: “No – never!” [see note] A-level (B), and/or C.",
    "de": "Die Straße – z. B. „Am Weg“ – ist schön; usw.",
    "it": "Perché no? È così... «Sì!», disse l'uomo.",
    "pt": "Não é assim — disse a avó: “Amanhã, às cinco?”",
    "es": "¿Qué tal? ¡Muy bien! «Sí», dijo él…",
    "fr": "L’été, c’est « bien » ; n’est-ce pas ?",
    "ru": "Он сказал: «Нет — никогда!» и т. д.",
    "ko": "안녕하세요. “네?” 그는 말했다…",
    "zh": "他说：“你好，世界！”……儿子（花儿）《书》、繁體字 ＡＢＣ。",
    "ja": "「はい。」と彼は言った……ＡＢＣ、『本』！",
}


@pytest.mark.parametrize(("language", "text"), list(TEXTS.items()))
def test_a_text_without_figures_comes_back_as_it_is(language: str, text: str) -> None:
    result = spoken_text(text, language, spelling="on")

    assert (result.text, result.changes, result.note) == (text, (), None)


def test_the_result_says_what_was_changed() -> None:
    result = spoken_text(
        "I paid $5 for 2 GIFs.", "en", lexicon=parse_lexicon("gifs = jiffs", name="l")
    )

    assert result.text == "I paid five dollars for two jiffs."
    assert result.changes == (
        Change("$5", "five dollars"),
        Change("2", "two"),
        Change("GIFs", "jiffs"),
    )


def test_what_the_lexicon_and_say_have_settled_is_not_touched_again() -> None:
    (segment,) = parse_script("Room [say:101|1 0 1], not 101, in B52.").segments
    lexicon = parse_lexicon("B52 = bee 52\n101 = one-oh-one", name="l")
    result = spoken_text(segment.text, "en", lexicon=lexicon, fixed=segment.fixed)

    assert result.text == "Room 1 0 1, not one-oh-one, in bee 52."


def test_off_leaves_figures_and_still_uses_the_lexicon() -> None:
    lexicon = parse_lexicon("SQL = sequel", name="l")
    result = spoken_text("SQL  has\n3 rows.", "en", spelling="off", lexicon=lexicon)

    assert (result.text, result.note) == ("sequel has 3 rows.", None)


def test_the_language_of_auto_is_guessed_and_otherwise_figures_stay_with_a_note() -> None:
    assert spoken_text("The cat has 3 kittens and it is happy.").text.startswith(
        "The cat has three"
    )
    assert spoken_text("猫有3只。").text == "猫有三只。"

    unknown = spoken_text("Xyz 3")
    assert unknown.text == "Xyz 3"
    assert unknown.note is not None
    assert "name the language" in unknown.note
    assert spoken_text("Xyz").note is None


def test_white_space_is_single_and_none_where_a_script_has_none() -> None:
    assert spoken_text(" a \n\n b\tc ", "en").text == "a b c"
    assert spoken_text("今天\n很好 了", "zh").text == "今天很好 了"


@pytest.fixture
def no_packages(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    real = builtins.__import__

    def missing(name: str, *rest: object) -> object:
        if name in ("num2words", "wetext"):
            raise ImportError(name)
        return real(name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", missing)
    spoken._rules.cache_clear()
    yield
    spoken._rules.cache_clear()


@pytest.mark.usefixtures("no_packages")
@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_missing_package_is_an_error_on_demand_and_a_note_otherwise(language: str) -> None:
    with pytest.raises(MissingDependencyError, match=r"intone\[spoken\]"):
        spoken_text("3", language, spelling="on")

    result = spoken_text("3", language)
    assert result.text == "3"
    assert result.note is not None
    assert "intone[spoken]" in result.note
    assert spoken_text("no figures", language, spelling="on").note is None


PARTS: Sequence[str] = (
    *"0123456789.,-–−+/:%°$€£¥#&½ \u00a0\nabhkmstªº年月日点元円개시장г",
    *("km", "th", "p.m.", " March ", " марта ", " году", "www.", "a@b.c", "://", "Uhr"),
)


@given(
    text=st.lists(st.sampled_from(PARTS), max_size=14).map("".join),
    language=st.sampled_from(sorted(CORPUS)),
)
@settings(deadline=None, max_examples=300)
def test_no_text_is_too_strange(text: str, language: str) -> None:
    result = spoken_text(text, language)

    assert result.text == " ".join(result.text.split())
    assert all(change.written in text for change in result.changes)


def test_a_hundred_thousand_characters_are_read_in_seconds() -> None:
    start = time.perf_counter()
    spoken_text("On May 5, 2024 it cost $3.50, not 12% more. " * 2_300, "en")

    assert time.perf_counter() - start < 20.0  # about 1 s; the rest is for busy machines
