"""Numbers as words, by `num2words`, with what a noun behind a number changes about it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from intone.core.errors import MissingDependencyError
from intone.text.normalise.tables import Noun, Table

MAX_DIGITS = 15
"""Longer ones are numbers of something (accounts, orders): their digits are said one by one."""

_LAST_ONE = {
    "de": ("eins", "ein", "eine"),
    "es": ("uno", "un", "una"),
    "fr": ("un", "un", "une"),
    "pt_BR": ("um", "um", "uma"),
}
"""How a number that ends in one ends before a noun: as it is counted, masculine, feminine."""
_FEMININE = {
    "es": ((re.compile(r"cientos\b"), "cientas"), (re.compile(r"\bquinientos\b"), "quinientas")),
    "pt_BR": ((re.compile(r"entos\b"), "entas"), (re.compile(r"\bdois$"), "duas")),
}

_GENDER: Mapping[str, Callable[[int], bool]] = {
    "de": lambda n: n % 100 == 1,
    "it": lambda n: n == 1,
    "fr": lambda n: n % 10 == 1 and n % 100 not in (11, 71, 91),
    "es": lambda n: (n % 10 == 1 and n % 100 != 11) or n >= 200,
    "pt_BR": lambda n: (n % 10 in (1, 2) and n % 100 not in (11, 12)) or n >= 200,
    "ru": lambda n: n % 10 in (1, 2) and n % 100 not in (11, 12),
}
"""Which numbers (their last three digits) end otherwise before a feminine noun."""

_MILLIONS: Mapping[str, tuple[re.Pattern[str], str]] = {
    "fr": (re.compile(r"(?:million|milliard)s?$"), "de"),
    "it": (re.compile(r"(?:milion|miliard)[eio]$"), "di"),
    "es": (re.compile(r"mill(?:ón|ones)$"), "de"),
    "pt_BR": (re.compile(r"(?:milh|bilh)(?:ão|ões)$"), "de"),
}
"""Whole millions are joined to what they count: un million d'euros."""
_ELIDED = re.compile(r"\b(d|un)[ea] (?=[aeio])")
_DATE_LIKE = re.compile(r"(?:0?[1-9]|[12]\d|3[01])\.(?:0[1-9]|1[0-2])")


class NumberWords:
    """Says numbers in the language of a table."""

    def __init__(self, table: Table) -> None:
        """Loads `num2words`.

        Raises:
            MissingDependencyError: it is not installed.
        """
        try:
            from num2words import num2words
        except ImportError as error:
            raise MissingDependencyError(
                "reading numbers out needs the package num2words; install 'intone[spoken]', or "
                "switch it off."
            ) from error
        self._num2words: Callable[..., str] = num2words
        self._table = table
        self._language = table.num2words_name
        groups, marks = re.escape(table.group_marks), re.escape(table.decimal_marks)
        self.pattern = (
            rf"(?:\d{{1,3}}(?:[{groups}]\d{{3}}){{1,6}}(?!\d)|\d++)(?:[{marks}]\d+)?(?!\d)"
        )
        """A written number, without its sign; bounded, since every rule tries it at every place."""
        self._group = re.compile(rf"(?<=\d)[{groups}](?=\d{{3}}(?!\d))")
        self._grouped = re.compile(rf"\d{{1,3}}(?:[{groups}]\d{{3}})+(?!\d)")
        self._decimal = re.compile(rf"[{marks}]")

    def parts(self, written: str) -> tuple[str, str]:
        """Returns the digits before and after the decimal mark, without group marks."""
        whole, _, fraction = self._decimal.sub(
            "|", self._group.sub("", written) if self.is_grouped(written) else written
        ).partition("|")
        return whole, fraction

    def is_grouped(self, written: str) -> bool:
        """Says whether marks in a written number part its digits by three."""
        return self._grouped.match(written) is not None

    def has_gender(self, written: str) -> bool:
        """Says whether a number changes with a noun behind it whose gender nobody knows here."""
        whole, fraction = self.parts(written)
        rule = _GENDER.get(self._language)
        return (
            rule is not None and not fraction and whole[-3:].isdecimal() and rule(int(whole[-3:]))
        )

    def is_unsure(self, written: str) -> bool:
        """Says whether a point in a number may part a day from a month: 25.12 is not sure."""
        has_comma = self._table.decimal_marks.startswith(",")
        return has_comma and _DATE_LIKE.fullmatch(written) is not None

    def number(self, written: str) -> str:
        """Returns a written number in words."""
        whole, fraction = self.parts(written)
        if not fraction:
            is_label = len(whole) > MAX_DIGITS or (len(whole) > 1 and whole[0] == "0")
            return self.digits(whole) if is_label else self.cardinal(int(whole))
        if len(whole) > MAX_DIGITS:
            return f"{self.digits(whole)} {self._table.point} {self.digits(fraction)}"
        if self._language == "ru":
            return self._russian_decimal(int(whole), fraction)
        return f"{self.cardinal(int(whole))} {self._table.point} {self._decimals(fraction)}"

    def counted(self, written: str, noun: Noun) -> str:
        """Returns a written number and the noun that it counts."""
        whole, fraction = self.parts(written)
        if fraction:
            is_one = self._language == "fr" and int(whole) < 2
            return f"{self.number(written)} {noun.one if is_one else noun.few}"
        if len(whole) > MAX_DIGITS:
            return f"{self.digits(whole)} {noun.many}"
        words, form = self._before(int(whole), noun), self._form(int(whole), noun)
        if self._language in _MILLIONS and _MILLIONS[self._language][0].search(words):
            return _elided(f"{words} {_MILLIONS[self._language][1]} {form}")
        return _elided(f"{words} {form}") if self._language == "it" else f"{words} {form}"

    def cardinal(self, number: int) -> str:
        """Returns 21 as twenty-one."""
        return self._plain(number)

    def ordinal(self, number: int, *, is_feminine: bool = False) -> str:
        """Returns 21 as twenty-first."""
        words = self._plain(number, to="ordinal")
        if is_feminine and self._language in ("it", "pt_BR", "es"):
            return " ".join(re.sub(r"o$", "a", word) for word in words.split())
        return "première" if is_feminine and words == "premier" else words

    def russian_ordinal(self, number: int, case: str, gender: str) -> str:
        """Returns a Russian ordinal: case n, g, d, p or i; gender m, f or n; none is the plural."""
        how: dict[str, object] = {"plural": True} if not gender else {"gender": gender}
        words = self._plain(number, to="ordinal", case=case, animate=False, **how)
        return words.removeprefix("одна ") if 1000 < number < 2000 else words

    def year(self, number: int) -> str:
        """Returns 1984 as nineteen eighty-four, where a language has a way of its own."""
        first = {"en": 1010, "de": 1100}.get(self._language)
        if first is not None and first <= number <= 2099:
            return self._plain(number, to="year")
        return self.cardinal(number)

    def digits(self, written: str) -> str:
        """Returns every digit as a word of its own."""
        return " ".join(self.cardinal(int(digit)) for digit in written if digit.isdecimal())

    def _plain(self, number: int | str, **how: object) -> str:
        words = self._num2words(number, lang=self._language, **how).replace(",", "")
        if self._language == "ru" and isinstance(number, int) and 1000 <= number < 2000:
            return words.removeprefix("одна ")
        return words

    def _russian_decimal(self, whole: int, fraction: str) -> str:
        """Returns 3,5 as three wholes and five tenths, and longer fractions digit by digit."""
        if len(fraction) <= 3:
            return self._plain(f"{whole}.{int(fraction):0{len(fraction)}d}")
        return f"{self.cardinal(whole)} запятая {self.digits(fraction)}"

    def _decimals(self, fraction: str) -> str:
        if self._table.are_decimals_digits or len(fraction) > 2 or fraction[0] == "0":
            return self.digits(fraction)
        return self.cardinal(int(fraction))

    def _before(self, number: int, noun: Noun) -> str:
        if self._language == "ru":
            gender = "f" if noun.is_feminine else "m"
            return self._plain(number, gender=gender, animate=False)
        words = self.cardinal(number)
        if noun.is_feminine:
            for pattern, feminine in _FEMININE.get(self._language, ()):
                words = pattern.sub(feminine, words)
        if self._language == "it" and number == 1:
            return "una" if noun.is_feminine else "un"
        counted, masculine, feminine = _LAST_ONE.get(self._language, ("", "", ""))
        if not counted or not words.endswith(counted) or number % 100 == 11:
            return words
        if words == "veintiuno" or words.endswith(" veintiuno"):
            masculine, counted = "ún", "uno"
        return words[: -len(counted)] + (feminine if noun.is_feminine else masculine)

    def _form(self, number: int, noun: Noun) -> str:
        if self._language == "ru":
            tens, ones = number % 100 // 10, number % 10
            if tens == 1 or ones == 0 or ones > 4:
                return noun.many
            return noun.one if ones == 1 else noun.few
        is_one = number == 1 or (self._language == "fr" and number == 0)
        return noun.one if is_one else noun.many


def _elided(words: str) -> str:
    """Returns French and Italian words with the vowel left out before another."""
    return _ELIDED.sub(r"\1'", words)
